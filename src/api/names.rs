//! The names that this operator writes on objects: labels, annotations, keys, managers. Values
//! only, no logic about tokens.

/// The API group, and the prefix of every label and annotation of ours.
pub const GROUP: &str = "miniprogram.dev";

/// The one field manager of every server-side apply of a target Secret.
pub const FIELD_MANAGER: &str = "miniprogram-operator";

/// The immutable `type` of every target Secret: a field selector on it finds exactly ours.
pub const SECRET_TYPE: &str = "miniprogram.dev/access-token";

/// Label: who manages the object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Label: the name of the `MiniProgram` whose token it is.
pub const NAME: &str = "miniprogram.dev/name";

/// Annotation on a `MiniProgram`: any new value asks the platform once.
pub const REFRESH_REQUESTED: &str = "miniprogram.dev/refresh-requested";
/// Annotation on a `MiniProgram`: a new token, only if this fingerprint is still the current one.
pub const INVALID_TOKEN: &str = "miniprogram.dev/invalid-token";

/// Annotation on a target: the app id that was sent.
pub const APP_ID: &str = "miniprogram.dev/app-id";
/// Annotation on a target: the platform that was asked.
pub const PLATFORM: &str = "miniprogram.dev/platform";
/// Annotation on a target: the token mode that was asked for.
pub const TOKEN_MODE: &str = "miniprogram.dev/token-mode";
/// Annotation on a target: a digest of the credential that was sent, salted with
/// [`CREDENTIAL_SALT`].
pub const CREDENTIAL_DIGEST: &str = "miniprogram.dev/credential-digest";
/// Annotation on a target: the random salt of [`CREDENTIAL_DIGEST`].
pub const CREDENTIAL_SALT: &str = "miniprogram.dev/credential-salt";
/// Annotation on a target: when the call that brought the token was sent.
pub const ISSUE_TIME: &str = "miniprogram.dev/issue-time";
/// Annotation on a target: when the token expires.
pub const EXPIRATION_TIME: &str = "miniprogram.dev/expiration-time";
/// Annotation on a target: the token's fingerprint.
pub const FINGERPRINT: &str = "miniprogram.dev/fingerprint";
/// Annotation on a target: the id of the call that brought the token.
pub const ISSUED_FOR: &str = "miniprogram.dev/issued-for";
/// Annotation on a target: the last refresh request that a call answered.
pub const HANDLED_REFRESH_REQUEST: &str = "miniprogram.dev/handled-refresh-request";
/// Annotation on a target: present while a late request may still replace the token.
pub const UNCONFIRMED: &str = "miniprogram.dev/unconfirmed";
/// Annotation on a target: the namespace and lease of the operator that wrote it.
pub const OPERATOR: &str = "miniprogram.dev/operator";

/// Data key: the expiry in seconds since 1970.
pub const KEY_EXPIRES_AT_UNIX: &str = "expires_at_unix";
/// Data key: the app id.
pub const KEY_APP_ID: &str = "app_id";

/// Default data key of the token.
pub const KEY_ACCESS_TOKEN: &str = "access_token";
/// Default data key of the expiry in RFC 3339.
pub const KEY_EXPIRES_AT: &str = "expires_at";
/// Default key of the app secret in the credential Secret.
pub const KEY_APP_SECRET: &str = "appSecret";
