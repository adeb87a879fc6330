//! `spec.platform`: a name from the list of platforms. Names from newer versions can still be read.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A platform's name. The schema lists the known ones; an object of a newer version may have
/// another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(transparent)]
pub struct PlatformName(String);

impl PlatformName {
    /// The name as the object has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for PlatformName {
    fn default() -> Self {
        Self("WeChat".into())
    }
}

impl JsonSchema for PlatformName {
    fn schema_name() -> Cow<'static, str> {
        "PlatformName".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = super::ALL.iter().map(|platform| platform.name).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}
