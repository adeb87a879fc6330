//! Values in memory between two uses: serialized and compressed into one block each. Knows nothing
//! of what they mean.
//!
//! A `MiniProgram` with its status has about a hundred parts on the heap. In one block it takes a
//! tenth of that, and reading it costs microseconds. Most of a block is what the object shares with
//! no other: its ids and times. All else is in the samples that blocks refer to.

use std::{marker::PhantomData, sync::LazyLock};

use serde::{Serialize, de::DeserializeOwned};

use crate::{api::MiniProgram, projection::Projection, reconcile::memory::Recall};

/// What most values have in common, which no block repeats.
static COMMON: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let object = sample::<MiniProgram>(include_str!("packed/mini_program.json"));
    let target = sample::<Projection>(include_str!("packed/target.json"));
    let recall = sample::<Recall>(include_str!("packed/recall.json"));
    [recall, target, object].concat()
});

/// A value in one block of memory.
pub struct Packed<T> {
    block: Box<[u8]>,
    value: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Packed<T> {
    /// The value in a block, or none if it could not be read back: a status may have times that
    /// can be parsed and not written.
    pub fn of(value: &T) -> Option<Self> {
        let text = serde_json::to_vec(value).ok()?;
        serde_json::from_slice::<T>(&text).ok()?;
        let block = lz4_flex::block::compress_prepend_size_with_dict(&text, &COMMON);
        Some(Self { block: block.into(), value: PhantomData })
    }

    /// The value.
    ///
    /// # Panics
    /// Never: the value was read back when it was packed.
    pub fn value(&self) -> T {
        let text = lz4_flex::block::decompress_size_prepended_with_dict(&self.block, &COMMON);
        serde_json::from_slice(&text.expect("a block of ours")).expect("it was read back before")
    }
}

// Derived, it would ask the same of the value.
impl<T> Clone for Packed<T> {
    fn clone(&self) -> Self {
        Self { block: self.block.clone(), value: PhantomData }
    }
}

/// A sample as a value of its type is serialized.
fn sample<T: Serialize + DeserializeOwned>(text: &str) -> Vec<u8> {
    let value: T = serde_json::from_str(text).expect("the samples are tested");
    serde_json::to_vec(&value).expect("it was read from JSON")
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use serde_json::{Value, json};

    use super::Packed;
    use crate::{api::MiniProgram, projection::Projection};

    /// An object at rest and its target: the samples, with everything that differs between objects.
    fn at_rest() -> (MiniProgram, Projection) {
        let differs = |sample: &str| -> Value {
            let text = sample
                .replace("shop", "app-305")
                .replace("2026-01-01T0", "2026-11-28T1")
                .replace(":00:00Z", ":40:19Z")
                .replace("0000-0000", "4f16-b1cc")
                .replace("000000000000", "c2b2a8836fac")
                .replace("\"1\"", "\"19983\"");
            serde_json::from_str(&text).expect("JSON")
        };
        let mut object = differs(include_str!("packed/mini_program.json"));
        for rare in ["intent", "mints", "lastFailure", "handledRefreshRequest"] {
            object["status"].as_object_mut().expect("a status").remove(rare);
        }
        let target = differs(include_str!("packed/target.json"));
        let read = "it is read as the sample is";
        (serde_json::from_value(object).expect(read), serde_json::from_value(target).expect(read))
    }

    #[test]
    fn a_value_is_as_it_was_before_it_was_packed() {
        let (object, target) = at_rest();
        assert!(Packed::of(&object).expect("an object").value() == object);
        assert_eq!(Packed::of(&target).expect("a target").value(), target);
    }

    #[test]
    fn a_block_is_a_fraction_of_the_value_as_json() {
        let (object, target) = at_rest();
        let object_as_json = json!(object).to_string().len();
        let block = Packed::of(&object).expect("an object").block.len();
        assert!(block * 5 <= object_as_json, "{block} of {object_as_json}");
        // Most of a target's facts are random.
        let target_as_json = json!(target).to_string().len();
        let block = Packed::of(&target).expect("a target").block.len();
        assert!(block * 5 <= target_as_json * 2, "{block} of {target_as_json}");
    }

    #[test]
    fn a_value_that_could_not_be_read_back_is_not_packed() {
        let (mut object, _) = at_rest();
        let status = object.status.as_mut().expect("a status");
        status.conditions[0].last_transition_time.0 = Timestamp::MIN;
        assert!(Packed::of(&object).is_none());
    }
}
