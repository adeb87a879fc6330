//! The entries of an IP allow-list and what they match; knows nothing of apps.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `1.2.3.4`, `1.2.3.*` or `1.2.3.0/24`, as WeChat's console takes them
/// (<https://developers.weixin.qq.com/doc/oplatform/developers/basic_func/ip_whitelist>).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Allowed {
    network: Ipv4Addr,
    bits: u8,
    written: String,
}

impl Allowed {
    #[must_use]
    pub fn lets(&self, caller: IpAddr) -> bool {
        let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
        match caller.to_canonical() {
            IpAddr::V4(caller) => (u32::from(caller) ^ u32::from(self.network)) & mask == 0,
            IpAddr::V6(_) => false,
        }
    }
}

impl FromStr for Allowed {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        let wrong = || format!("{written:?} is neither 1.2.3.4 nor 1.2.3.* nor 1.2.3.0/24");
        let (network, bits) = if let Some(start) = written.strip_suffix(".*") {
            (format!("{start}.0"), 24)
        } else if let Some((network, bits)) = written.split_once('/') {
            (network.to_owned(), bits.parse().map_err(|_| wrong())?)
        } else {
            (written.to_owned(), 32)
        };
        let network = network.parse().map_err(|_| wrong())?;
        if bits > 32 {
            return Err(wrong());
        }
        Ok(Self { network, bits, written: written.to_owned() })
    }
}

impl TryFrom<String> for Allowed {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        written.parse()
    }
}

impl From<Allowed> for String {
    fn from(entry: Allowed) -> Self {
        entry.written
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}
