//! What a process of the operator has used so far, as the kernel counts it.

use std::time::Duration;

use crate::Process;

impl Process {
    /// The most memory that it has held.
    pub fn peak_memory_kib(&self) -> u64 {
        self.status_kib("VmHWM:")
    }

    /// The memory that it holds now.
    pub fn memory_kib(&self) -> u64 {
        self.status_kib("VmRSS:")
    }

    /// Of that, the memory that no file backs: all but the program itself.
    pub fn own_memory_kib(&self) -> u64 {
        self.status_kib("RssAnon:")
    }

    fn status_kib(&self, field: &str) -> u64 {
        let status = String::from_utf8(self.proc("status")).expect("text");
        let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_suffix("kB"));
        value.and_then(|kib| kib.trim().parse().ok()).expect("a number")
    }

    /// Its processor time, of all threads, in user and kernel mode.
    pub fn processor_time(&self) -> Duration {
        let stat = String::from_utf8(self.proc("stat")).expect("text");
        // Behind the name, which may hold spaces, the times are the 12th and 13th field.
        let (_, fields) = stat.rsplit_once(") ").expect("a name");
        let times = fields.split(' ').skip(11).take(2);
        let ticks: u64 = times.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
    }
}
