//! Which labels and annotations of `spec.target.template` a target gets. Other controllers copy,
//! trust, mount or prune a Secret because of a label or an annotation, so the administrator has to
//! allow all but plain ones. Pure.

use std::{collections::BTreeMap, str::FromStr};

use crate::api::{MiniProgram, ObjectMetaTemplate};

/// The names after `app.kubernetes.io/` that no controller acts on.
const DESCRIPTIVE: [&str; 4] = ["name", "component", "part-of", "version"];
/// Reloader uses keys of this prefix only to decide whether to restart pods when the token changes.
const RELOADER: &str = "reloader.stakater.com";
/// Grafana's sidecars load every object that has a label with this prefix.
const GRAFANA: &str = "grafana_";

/// The keys that the administrator allows in addition to plain ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedMetadata(Vec<String>);

/// The allowed part of an object's template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// The labels that the target gets.
    pub labels: BTreeMap<String, String>,
    /// The annotations that the target gets.
    pub annotations: BTreeMap<String, String>,
    /// The keys that are not allowed.
    pub refused: Vec<String>,
}

impl AllowedMetadata {
    /// Splits an object's template into what is allowed and what is refused.
    #[must_use]
    pub fn template(&self, mp: &MiniProgram) -> Template {
        let ObjectMetaTemplate { labels, annotations } = mp.target_template();
        let mut refused = Vec::new();
        let mut allowed = |map: Option<BTreeMap<String, String>>| -> BTreeMap<String, String> {
            let (allowed, others) =
                map.unwrap_or_default().into_iter().partition(|(key, _)| self.allows(key));
            let others: BTreeMap<String, String> = others;
            refused.extend(others.into_keys());
            allowed
        };
        Template { labels: allowed(labels), annotations: allowed(annotations), refused }
    }

    fn allows(&self, key: &str) -> bool {
        let is_plain = match key.split_once('/') {
            None => !key.starts_with(GRAFANA),
            Some(("app.kubernetes.io", name)) => DESCRIPTIVE.contains(&name),
            Some((prefix, _)) => prefix == RELOADER,
        };
        is_plain
            || self.0.iter().any(|allowed| {
                key.strip_prefix(allowed)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    }
}

impl FromStr for AllowedMetadata {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let entries = text
            .split(',')
            .map(|entry| entry.trim().trim_end_matches('/'))
            .filter(|entry| !entry.is_empty());
        let is_legal =
            |entry: &str| entry.chars().all(|c| c.is_ascii_alphanumeric() || "-._/".contains(c));
        let refuse = |entry: &str| {
            format!(
                "`{entry}` is no key and no prefix of keys: give them as in example.com,grafana_dashboard"
            )
        };
        entries
            .map(|entry| is_legal(entry).then(|| entry.to_owned()).ok_or_else(|| refuse(entry)))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{AllowedMetadata, Template};
    use crate::api::MiniProgram;

    fn template(allowed: &str, labels: &[&str]) -> Template {
        let labels: serde_json::Map<_, _> =
            labels.iter().map(|key| ((*key).to_owned(), json!("x"))).collect();
        let mp: MiniProgram = serde_json::from_value(json!({
            "apiVersion": "miniprogram.dev/v1alpha1", "kind": "MiniProgram", "metadata": { "name": "shop" },
            "spec": {
                "appID": "wx0123456789abcdef", "credentialRef": { "name": "c" },
                "target": { "template": { "metadata": { "labels": labels, "annotations": { "note": "x" } } } },
            },
        }))
        .expect("a MiniProgram");
        allowed.parse::<AllowedMetadata>().expect("legal").template(&mp)
    }

    #[test]
    fn plain_labels_need_no_permission() {
        let plain = [
            "team",
            "Tier",
            "app.kubernetes.io/part-of",
            "app.kubernetes.io/name",
            "reloader.stakater.com/ignore",
        ];
        let template = template("", &plain);
        assert_eq!(template.refused, Vec::<String>::new());
        assert_eq!((template.labels.len(), template.annotations.len()), (plain.len(), 1));
    }

    #[test]
    fn keys_that_controllers_act_on_are_refused_unless_the_administrator_allows_them() {
        let acted_on = [
            "app.kubernetes.io/instance",
            "argocd.argoproj.io/secret-type",
            "grafana_dashboard",
            "istio/multiCluster",
            "kubectl.kubernetes.io/last-applied-configuration",
            "kubernetes.io/service-account.name",
            "kustomize.toolkit.fluxcd.io/name",
            "reflector.v1.k8s.emberstack.com/reflection-allowed",
            "replicator.v1.mittwald.de/replicate-to",
            "unheard-of.example/anything",
        ];
        for key in acted_on {
            let refused = template("example.com", &[key, "team"]);
            assert_eq!((refused.refused, refused.labels.len()), (vec![key.to_owned()], 1), "{key}");
            let prefix = key.split('/').next().expect("something");
            for allowed in
                [key.to_owned(), prefix.to_owned(), format!(" example.com , {prefix}/ ,")]
            {
                assert_eq!(template(&allowed, &[key]).refused, Vec::<String>::new(), "{allowed}");
            }
        }
        assert_eq!(template("example", &["example.com/team"]).refused, ["example.com/team"]);
    }

    #[test]
    fn an_invalid_key_is_refused_at_start() {
        for text in ["a b", "*.example.com", "a=b"] {
            assert!(text.parse::<AllowedMetadata>().expect_err(text).contains(text));
        }
    }
}
