//! Checks before a term whether the operator may list what it needs: the lists of a term, limited
//! to one object each.

use k8s_openapi::api::core::v1::Secret;
use kube::{
    Client,
    api::{ListParams, PartialObjectMeta},
};

use super::{Kind, api};
use crate::{api::MiniProgram, shell::cause, world::Scope};

/// The first kind of object that cannot be listed in any scope, and why. None if each kind can be
/// listed in some scope.
pub async fn refused(client: &Client, scopes: &[Scope], selector: Option<&str>) -> Option<String> {
    for kind in [Kind::MiniPrograms, Kind::Secrets] {
        let mut refused = None;
        for scope in scopes {
            let Err(error) = list(client, kind, scope, selector).await else {
                refused = None;
                break;
            };
            refused = Some(format!("{}: {}", kind.within(scope), cause::text(&error)));
        }
        if refused.is_some() {
            return refused;
        }
    }
    None
}

async fn list(
    client: &Client,
    kind: Kind,
    scope: &Scope,
    selector: Option<&str>,
) -> kube::Result<()> {
    let mut one = ListParams::default().limit(1);
    match kind {
        Kind::MiniPrograms => {
            one.label_selector = selector.map(str::to_owned);
            api::<PartialObjectMeta<MiniProgram>>(client, scope).list(&one).await.map(drop)
        }
        Kind::Secrets | Kind::Targets => {
            api::<PartialObjectMeta<Secret>>(client, scope).list(&one).await.map(drop)
        }
    }
}
