//! A request and an answer as plain values, and how to read the one and build the other; knows no
//! socket.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;

pub const JSON: &str = "application/json; encoding=utf-8";

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    /// Their names are in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The platform whose address it came to; nothing where all share one.
    pub platform: Option<String>,
    pub from: IpAddr,
    /// The port that it came to: one caller can be told from another by it. 0 where there is no
    /// socket.
    pub port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub content_type: String,
    pub location: Option<String>,
    pub body: Vec<u8>,
}

impl Request {
    #[must_use]
    pub fn get(path_and_query: &str) -> Self {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        Self {
            method: "GET".to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            platform: None,
            from: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
        }
    }

    #[must_use]
    pub fn post(path_and_query: &str, body: &Value) -> Self {
        Self {
            method: "POST".to_owned(),
            body: body.to_string().into_bytes(),
            ..Self::get(path_and_query)
        }
    }

    /// A parameter of the query; an empty one counts as missing.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.into_owned())
    }

    /// A header, whose name is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Reply {
    #[must_use]
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type: content_type.to_owned(), location: None, body: body.into() }
    }

    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, JSON, body.to_string())
    }
}
