//! The `CustomResourceDefinition` as YAML. Adds to the derived one what the derive macro cannot
//! express.

use k8s_openapi::{
    apiextensions_apiserver::pkg::apis::apiextensions::v1::{
        CustomResourceDefinition, JSON, JSONSchemaProps, ValidationRule,
    },
    serde::de::DeserializeOwned,
};
use kube::CustomResourceExt;
use serde_json::{Value, json};

use super::{MiniProgram, rules};

/// The definition of `MiniProgram`, as it is committed in `crds/`.
///
/// # Errors
/// If the derived schema lacks a part that this adds to. A test of this crate shows that
/// it has them all.
pub fn miniprogram() -> Result<CustomResourceDefinition, Incomplete> {
    let mut crd = MiniProgram::crd();
    let version = crd.spec.versions.first_mut().ok_or(Incomplete("version"))?;
    let schema = version
        .schema
        .as_mut()
        .and_then(|schema| schema.open_api_v3_schema.as_mut())
        .ok_or(Incomplete("schema"))?;
    schema.x_kubernetes_validations = Some(typed::<Vec<ValidationRule>>(rules::root())?);
    let status = property(schema, "status")?;
    status.default = Some(JSON(status_default()));
    status.nullable = None;
    Ok(crd)
}

/// The definition as YAML.
///
/// # Errors
/// As [`miniprogram`], or if YAML cannot express it.
pub fn yaml() -> Result<String, Incomplete> {
    serde_saphyr::to_string(&miniprogram()?).map_err(|_| Incomplete("YAML"))
}

/// The derived schema lacks this part.
#[derive(Debug, thiserror::Error)]
#[error(
    "the derived CustomResourceDefinition has no {0}: src/api/crd.rs no longer matches what the derive macro generates"
)]
pub struct Incomplete(&'static str);

/// The status of a new object until the operator has observed it, so that `helm --wait` and
/// `kubectl wait` do not take it for ready.
fn status_default() -> Value {
    json!({
        "conditions": [{
            "type": "Ready",
            "status": "Unknown",
            "reason": "Pending",
            "message": "Waiting for the operator",
            "lastTransitionTime": "1970-01-01T00:00:00Z"
        }]
    })
}

fn property<'a>(
    schema: &'a mut JSONSchemaProps,
    name: &'static str,
) -> Result<&'a mut JSONSchemaProps, Incomplete> {
    schema
        .properties
        .as_mut()
        .and_then(|properties| properties.get_mut(name))
        .ok_or(Incomplete(name))
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Incomplete> {
    serde_json::from_value(value).map_err(|_| Incomplete("rule"))
}
