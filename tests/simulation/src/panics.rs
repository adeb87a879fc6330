//! Remembers what panicked on this thread: the operator survives its panics, a run must not
//! overlook them.

use std::{cell::RefCell, panic, sync::Once};

thread_local! {
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Makes every panic of this program one that is remembered, and printed as before.
pub fn remember() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            PANICS.with_borrow_mut(|panics| panics.push(panic.to_string()));
            print(panic);
        }));
    });
}

/// What panicked on this thread since this was last asked.
#[must_use]
pub fn taken() -> Vec<String> {
    PANICS.with_borrow_mut(std::mem::take)
}
