//! The names that this operator writes on objects: labels, annotations, data keys, field managers.
//! Constants only.

/// The API group, and the prefix of all labels and annotations of this operator.
pub const GROUP: &str = "miniprogram.dev";

/// The field manager of every server-side apply of a target Secret.
pub const FIELD_MANAGER: &str = "miniprogram-operator";

/// The immutable `type` of every target Secret. Watches select targets by it.
pub const SECRET_TYPE: &str = "miniprogram.dev/access-token";

/// Label: the program that manages the object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Label: the name of the `MiniProgram` that the target Secret belongs to.
pub const NAME: &str = "miniprogram.dev/name";

/// Annotation on a `MiniProgram`: each new value requests one call to the platform.
pub const REFRESH_REQUESTED: &str = "miniprogram.dev/refresh-requested";
/// Annotation on a `MiniProgram`: requests a new token if the token with this fingerprint is still
/// the current one.
pub const INVALID_TOKEN: &str = "miniprogram.dev/invalid-token";

/// Annotation on a target: the app id that the token was requested for.
pub const APP_ID: &str = "miniprogram.dev/app-id";
/// Annotation on a target: the platform that issued the token.
pub const PLATFORM: &str = "miniprogram.dev/platform";
/// Annotation on a target: the token mode of the call that returned the token.
pub const TOKEN_MODE: &str = "miniprogram.dev/token-mode";
/// Annotation on a target: a digest of the credential that was sent, salted with
/// [`CREDENTIAL_SALT`].
pub const CREDENTIAL_DIGEST: &str = "miniprogram.dev/credential-digest";
/// Annotation on a target: the random salt of [`CREDENTIAL_DIGEST`].
pub const CREDENTIAL_SALT: &str = "miniprogram.dev/credential-salt";
/// Annotation on a target: when the call that returned the token was sent.
pub const ISSUE_TIME: &str = "miniprogram.dev/issue-time";
/// Annotation on a target: when the token expires.
pub const EXPIRATION_TIME: &str = "miniprogram.dev/expiration-time";
/// Annotation on a target: the token's fingerprint.
pub const FINGERPRINT: &str = "miniprogram.dev/fingerprint";
/// Annotation on a target: the id of the call that returned the token.
pub const ISSUED_FOR: &str = "miniprogram.dev/issued-for";
/// Annotation on a target: the last refresh request that a call was made for.
pub const HANDLED_REFRESH_REQUEST: &str = "miniprogram.dev/handled-refresh-request";
/// Annotation on a target: present while a late request may still replace the token.
pub const UNCONFIRMED: &str = "miniprogram.dev/unconfirmed";
/// Annotation on a target: the key of the token and its facts as JSON, present if the target has
/// that key.
pub const TOKEN_JSON: &str = "miniprogram.dev/token-json";
/// Annotation on a target: the tickets that it holds, as a JSON list of their types, fingerprints
/// and times; present if it holds any.
pub const TICKETS: &str = "miniprogram.dev/tickets";
/// Annotation on a target: the namespace and lease of the operator that wrote it.
pub const OPERATOR: &str = "miniprogram.dev/operator";

/// Data key: the expiration time in seconds since 1970.
pub const KEY_EXPIRES_AT_UNIX: &str = "expires_at_unix";
/// Data key: the app id.
pub const KEY_APP_ID: &str = "app_id";

/// Default data key of the token.
pub const KEY_ACCESS_TOKEN: &str = "access_token";
/// Default data key of the expiration time in RFC 3339 format.
pub const KEY_EXPIRES_AT: &str = "expires_at";
/// Default data key of the token and its facts as JSON.
pub const KEY_TOKEN_JSON: &str = "token.json";
/// Default key of the app secret in the credential Secret.
pub const KEY_APP_SECRET: &str = "appSecret";
