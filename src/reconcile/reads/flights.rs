//! Shares one read of a Secret among all callers that ask for it. Knows neither the API server nor
//! how many reads may be under way.
//!
//! A read serves the callers that asked before it was sent, and no others, so its result is at
//! least as new as each caller's request, as if each had read for itself. Serving every caller
//! whose watch shows the version that was read would save more reads, but a watch may be late, and
//! app secrets would have to be kept. One read of a Secret is under way at a time: callers that ask
//! meanwhile share the next one, so that any number of them costs two reads.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::future::{BoxFuture, FutureExt, Shared, WeakShared};

use crate::{
    api::CredentialStatus,
    reconcile::{api_error::ApiError, observed::CredentialRead},
    sensitive::{AppSecret, Implausible},
    world::ObjectName,
};

/// The result of a read, for each caller.
#[derive(Clone)]
pub enum Answer {
    /// There was no room for a read.
    NoRoom,
    /// The Secret does not exist.
    Absent,
    /// It could not be read.
    Unreadable,
    /// It exists.
    Found(Arc<Found>),
}

/// What is kept of a Secret. Has no `Debug`: it holds app secrets.
pub struct Found {
    /// The version that was read.
    pub version: CredentialStatus,
    /// The values of the requested keys.
    pub values: BTreeMap<String, Result<AppSecret, Implausible>>,
}

impl Answer {
    /// The result for a caller that asked for this key.
    pub fn of(self, key: &str) -> Result<CredentialRead, ApiError> {
        match self {
            Self::NoRoom => Err(ApiError::NoRoom),
            Self::Absent => Ok(CredentialRead::Absent),
            Self::Unreadable => Ok(CredentialRead::Unreadable),
            Self::Found(found) => Ok(CredentialRead::Is {
                version: found.version.clone(),
                value: found.values.get(key).cloned(),
            }),
        }
    }
}

/// Closes a read to further callers, and returns the keys that were requested.
pub type Depart = Box<dyn FnOnce() -> BTreeSet<String> + Send>;

type Reading = Shared<BoxFuture<'static, Answer>>;

/// The reads that wait or are under way; cheap to clone.
#[derive(Clone, Default)]
pub struct Flights(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The last read of each Secret.
    last: HashMap<ObjectName, Flight>,
    /// The number of reads so far.
    count: u64,
}

struct Flight {
    number: u64,
    /// The waiting callers poll it: it ends when the last of them stops.
    reading: WeakShared<BoxFuture<'static, Answer>>,
    /// The requested keys; none once the read was sent.
    keys: Option<BTreeSet<String>>,
}

impl Flights {
    /// The result of a read of this Secret that is sent later than now. `send` makes the read, and
    /// calls its argument right before it sends it.
    pub fn ask(
        &self,
        secret: ObjectName,
        key: &str,
        send: impl FnOnce(Depart) -> BoxFuture<'static, Answer> + Send + 'static,
    ) -> Reading {
        let mut state = self.lock();
        let last = state.last.get_mut(&secret);
        let previous = last.as_ref().and_then(|flight| flight.reading.upgrade());
        let waits = last.and_then(|flight| flight.keys.as_mut());
        if let (Some(reading), Some(keys)) = (&previous, waits) {
            keys.insert(key.to_owned());
            return reading.clone();
        }
        state.count += 1;
        let number = state.count;
        let (flights, of) = (self.clone(), secret.clone());
        let landing = Landing { flights: self.clone(), secret: secret.clone(), number };
        let reading = async move {
            let _landing = landing;
            if let Some(previous) = previous {
                previous.await;
            }
            send(Box::new(move || flights.depart(&of, number))).await
        };
        let reading = reading.boxed().shared();
        if let Some(weak) = reading.downgrade() {
            let keys = Some(BTreeSet::from([key.to_owned()]));
            state.last.insert(secret, Flight { number, reading: weak, keys });
        }
        reading
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.lock().last.is_empty()
    }

    fn depart(&self, secret: &ObjectName, number: u64) -> BTreeSet<String> {
        let mut state = self.lock();
        let flight = state.last.get_mut(secret).filter(|flight| flight.number == number);
        flight.and_then(|flight| flight.keys.take()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a read's entry when the read ends, however it ends.
struct Landing {
    flights: Flights,
    secret: ObjectName,
    number: u64,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut state = self.flights.lock();
        if state.last.get(&self.secret).is_some_and(|flight| flight.number == self.number) {
            state.last.remove(&self.secret);
        }
    }
}
