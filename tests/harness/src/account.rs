//! The account that an operator runs under: exactly the roles that ship, bound as an administrator
//! would, and its own token.

use k8s_openapi::{
    api::{
        authentication::v1::{TokenRequest, TokenRequestSpec, TokenReview, TokenReviewSpec},
        core::v1::ServiceAccount,
        rbac::v1::{
            ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject,
        },
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};

use crate::install::shipped;

/// A `ServiceAccount` with bindings.
#[derive(Clone)]
pub struct Account {
    client: Client,
    namespace: String,
}

/// What one process proves with that it acts for the account.
#[derive(Clone)]
pub struct Credential {
    /// A bearer token, good for two hours.
    pub token: String,
    /// What the audit log calls it.
    pub id: String,
}

const NAME: &str = "miniprogram-operator";

impl Account {
    /// Makes the account and lets it elect a leader in its own namespace.
    pub async fn create(client: &Client, namespace: &str) -> Self {
        let account = Self { client: client.clone(), namespace: namespace.to_owned() };
        let accounts = Api::<ServiceAccount>::namespaced(client.clone(), namespace);
        let metadata = ObjectMeta { name: Some(NAME.into()), ..ObjectMeta::default() };
        let object = ServiceAccount { metadata, ..ServiceAccount::default() };
        accounts.create(&PostParams::default(), &object).await.expect("an account");
        account.allow(namespace, "deploy/rbac/leader-election.yaml").await;
        account
    }

    /// What the audit log calls it.
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:{NAME}", self.namespace)
    }

    /// Lets it work in a namespace.
    pub async fn allow_namespace(&self, namespace: &str) {
        self.allow(namespace, "deploy/rbac/namespaced.yaml").await;
    }

    /// Lets it work everywhere.
    pub async fn allow_everything(&self) {
        for role in shipped::<ClusterRole>("deploy/rbac/cluster-wide.yaml") {
            let name = format!("{}-{}", role.name_any(), self.namespace);
            let binding = ClusterRoleBinding {
                metadata: ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() },
                role_ref: role_ref("ClusterRole", &role.name_any()),
                subjects: Some(vec![self.subject()]),
            };
            let bindings = Api::<ClusterRoleBinding>::all(self.client.clone());
            bindings
                .patch(&name, &PatchParams::apply("administrator").force(), &Patch::Apply(&binding))
                .await
                .expect("a binding");
        }
    }

    /// Lets it hold a Lease of another name too, as a second release's chart does.
    pub async fn allow_lease(&self, lease: &str) {
        let roles = Api::<Role>::namespaced(self.client.clone(), &self.namespace);
        for mut role in shipped::<Role>("deploy/rbac/leader-election.yaml") {
            for rule in role.rules.iter_mut().flatten().filter(|rule| rule.resource_names.is_some())
            {
                rule.resource_names.get_or_insert_default().push(lease.to_owned());
            }
            roles
                .patch(
                    &role.name_any(),
                    &PatchParams::apply("administrator").force(),
                    &Patch::Apply(&role),
                )
                .await
                .expect("a role");
        }
    }

    /// Takes verbs on a resource away from it in a namespace, until it is allowed to work there
    /// again.
    pub async fn forbid(&self, namespace: &str, resource: &str, verbs: &[&str]) {
        let roles = Api::<Role>::namespaced(self.client.clone(), namespace);
        for mut role in shipped::<Role>("deploy/rbac/namespaced.yaml") {
            let of_resource = |rule: &&mut PolicyRule| {
                rule.resources.iter().flatten().any(|name| name == resource)
            };
            for rule in role.rules.iter_mut().flatten().filter(of_resource) {
                rule.verbs.retain(|verb| !verbs.contains(&verb.as_str()));
            }
            role.rules.iter_mut().for_each(|rules| rules.retain(|rule| !rule.verbs.is_empty()));
            let params = PatchParams::apply("administrator").force();
            roles.patch(&role.name_any(), &params, &Patch::Apply(&role)).await.expect("a role");
        }
    }

    async fn allow(&self, namespace: &str, path: &str) {
        let params = PatchParams::apply("administrator").force();
        for role in shipped::<Role>(path) {
            let roles = Api::<Role>::namespaced(self.client.clone(), namespace);
            roles.patch(&role.name_any(), &params, &Patch::Apply(&role)).await.expect("a role");
            let name = self.binding(&role.name_any());
            let binding = RoleBinding {
                metadata: ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() },
                role_ref: role_ref("Role", &role.name_any()),
                subjects: Some(vec![self.subject()]),
            };
            let bindings = Api::<RoleBinding>::namespaced(self.client.clone(), namespace);
            bindings.patch(&name, &params, &Patch::Apply(&binding)).await.expect("a binding");
        }
    }

    fn binding(&self, role: &str) -> String {
        format!("{role}-of-{}", self.namespace)
    }

    fn subject(&self) -> Subject {
        Subject {
            kind: "ServiceAccount".into(),
            name: NAME.into(),
            namespace: Some(self.namespace.clone()),
            ..Subject::default()
        }
    }

    /// A credential that nobody else has.
    pub async fn credential(&self) -> Credential {
        let accounts = Api::<ServiceAccount>::namespaced(self.client.clone(), &self.namespace);
        let request = TokenRequest {
            spec: Some(TokenRequestSpec {
                expiration_seconds: Some(7200),
                ..TokenRequestSpec::default()
            }),
            ..TokenRequest::default()
        };
        let answer = accounts
            .create_token_request(NAME, &PostParams::default(), &request)
            .await
            .expect("a token");
        let token = answer.status.and_then(|status| status.token).expect("a token");
        let id = self.id_of(token.clone()).await;
        Credential { token, id }
    }

    /// The API server knows each token of an account from the others.
    async fn id_of(&self, token: String) -> String {
        let review = TokenReview {
            metadata: ObjectMeta::default(),
            spec: TokenReviewSpec { token, ..TokenReviewSpec::default() },
            status: None,
        };
        let reviews = Api::<TokenReview>::all(self.client.clone());
        let answer = reviews.create(&PostParams::default(), &review).await.expect("a review");
        let user = answer.status.and_then(|status| status.user).expect("a known user");
        let ids =
            user.extra.unwrap_or_default().remove("authentication.kubernetes.io/credential-id");
        ids.into_iter().flatten().next().expect("an API server that tells tokens apart")
    }
}

fn role_ref(kind: &str, name: &str) -> RoleRef {
    RoleRef {
        api_group: Some("rbac.authorization.k8s.io".into()),
        kind: kind.into(),
        name: name.into(),
    }
}
