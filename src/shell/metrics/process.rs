//! The `process_*` series, read from `/proc` at each scrape. A value that cannot be read is
//! omitted.

use std::{fmt, fs};

use prometheus_client::{
    collector::Collector,
    encoding::EncodeMetric,
    encoding::{DescriptorEncoder, NoLabelSet},
    metrics::{MetricType, gauge::ConstGauge},
};

/// `USER_HZ`, the unit of processor time in `/proc`: 100 on every architecture that Rust's Linux
/// targets support.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        if let Some(seconds) = cpu_seconds(&stat) {
            let help = "User and system processor time spent.";
            encoder
                .encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?
                .encode_counter::<NoLabelSet, _, u64>(&seconds, None)?;
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let system = fs::read_to_string("/proc/stat").unwrap_or_default();
        let gauges = [
            (
                "process_start_time_seconds",
                "When the process started, in Unix seconds.",
                start_time(&stat, &system),
            ),
            ("process_resident_memory_bytes", "Memory in use.", bytes(&status, "VmRSS:")),
            ("process_virtual_memory_bytes", "Memory mapped.", bytes(&status, "VmSize:")),
            ("process_open_fds", "File descriptors open.", open_fds()),
            ("process_max_fds", "File descriptors allowed.", max_fds(&limits)),
        ];
        for (name, help, value) in gauges {
            if let Some(value) = value {
                let encoder = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
                ConstGauge::new(value).encode(encoder)?;
            }
        }
        Ok(())
    }
}

/// A field of `/proc/self/stat` by its number in proc(5). The second field, the name, may contain
/// spaces and parentheses.
fn field(stat: &str, number: usize) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    after_name.split(' ').nth(number.checked_sub(3)?)?.trim().parse().ok()
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    Some((field(stat, 14)? + field(stat, 15)?) / TICKS_PER_SECOND)
}

fn start_time(stat: &str, system: &str) -> Option<f64> {
    let booted: f64 =
        system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(booted + field(stat, 22)? / TICKS_PER_SECOND)
}

fn bytes(status: &str, name: &str) -> Option<f64> {
    let kibibytes =
        status.lines().find_map(|line| line.strip_prefix(name))?.trim().strip_suffix(" kB")?;
    Some(kibibytes.parse::<f64>().ok()? * 1024.0)
}

fn open_fds() -> Option<f64> {
    let count = fs::read_dir("/proc/self/fd").ok()?.count();
    // The directory itself is open while it is counted.
    Some(f64::from(u32::try_from(count).ok()?.saturating_sub(1)))
}

fn max_fds(limits: &str) -> Option<f64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_cmp, reason = "the numbers are exact")]
    fn proc_files() {
        let fields: Vec<_> = (4..=52).map(|number| (number * 100).to_string()).collect();
        let stat = format!("7 (a) b) S {}", fields.join(" "));
        assert_eq!(cpu_seconds(&stat), Some(14.0 + 15.0));
        assert_eq!(start_time(&stat, "cpu 1 2\nbtime 1000\n"), Some(1022.0));
        assert_eq!(bytes("VmSize:\t  9 kB\nVmRSS:\t    2 kB\n", "VmRSS:"), Some(2048.0));
        assert_eq!(
            max_fds("Limit  Soft\nMax open files            1024   4096  files\n"),
            Some(1024.0)
        );
        assert_eq!(
            (cpu_seconds(""), bytes("", "VmRSS:"), max_fds(""), start_time("", "")),
            (None, None, None, None)
        );
        assert!(open_fds() > Some(2.0));
    }
}
