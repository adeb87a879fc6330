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

    use super::{DeserializeOwned, Packed, Serialize};
    use crate::{api::MiniProgram, projection::Projection, reconcile::memory::Recall};

    /// An object at rest, its target and what is remembered of it: the samples, with everything that
    /// differs between objects.
    fn at_rest() -> (MiniProgram, Projection, Recall) {
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
        let recall = differs(include_str!("packed/recall.json"));
        let read = "it is read as the sample is";
        (
            serde_json::from_value(object).expect(read),
            serde_json::from_value(target).expect(read),
            serde_json::from_value(recall).expect(read),
        )
    }

    #[test]
    fn a_value_is_as_it_was_before_it_was_packed() {
        let (object, target, _) = at_rest();
        assert!(Packed::of(&object).expect("an object").value() == object);
        assert_eq!(Packed::of(&target).expect("a target").value(), target);
    }

    #[test]
    fn a_block_is_a_fraction_of_the_value_as_json() {
        fn size<T: Serialize + DeserializeOwned>(value: &T) -> (usize, usize) {
            let block = Packed::of(value).expect("it can be packed").block;
            (block.len(), json!(value).to_string().len())
        }
        let (object, target, recall) = at_rest();
        // Most of a target's facts are random.
        for ((block, json), part) in [(size(&object), 4), (size(&target), 2), (size(&recall), 4)] {
            assert!(block * part <= json, "{block} of {json}");
        }
    }

    #[test]
    fn a_value_that_could_not_be_read_back_is_not_packed() {
        let (mut object, ..) = at_rest();
        let status = object.status.as_mut().expect("a status");
        status.conditions[0].last_transition_time.0 = Timestamp::MIN;
        assert!(Packed::of(&object).is_none());
    }
}
