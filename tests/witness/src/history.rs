//! What was asked of the API server and what it stored, by its audit log. Judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use judge::{Act, Event, Expect, Log, Process, Standing, Status, Verb, Writer};
use k8s_openapi::{ByteString, jiff::Timestamp};
use miniprogram_operator::api::names;
use platform_simulator::{Millis, model::fingerprint};
use serde_json::Value;

use crate::{ON_ITS_WAY, Scene, audit::Request};

/// Writes down requests and what they changed.
pub fn write_down(
    scene: &Scene<'_>,
    minted: BTreeSet<String>,
    requests: Vec<Request>,
    log: &mut Log,
) {
    let (objects, targets) = (BTreeMap::new(), BTreeMap::new());
    let began = scene.began();
    let one_lease = names_of_leases(&requests).len() <= 1;
    let mut history = History { scene, began, minted, objects, targets, one_lease, log };
    for request in in_order(requests) {
        history.saw(&request);
    }
}

/// The Leases that somebody writes.
fn names_of_leases(requests: &[Request]) -> BTreeSet<&str> {
    let writes =
        requests.iter().filter(|request| request.resource == "leases" && request.is_write());
    writes.map(|request| request.name.as_str()).collect()
}

/// In the order in which things were stored: they may be answered in another one.
fn in_order(mut requests: Vec<Request>) -> Vec<Request> {
    requests.sort_by_key(Request::version);
    let mut later = Timestamp::MAX;
    for request in requests.iter_mut().rev().filter(|request| request.version().is_some()) {
        request.answered = request.answered.min(later);
        later = request.answered;
    }
    requests.sort_by_key(|request| request.answered);
    requests
}

struct History<'a> {
    scene: &'a Scene<'a>,
    began: Timestamp,
    /// The tokens that the platform made.
    minted: BTreeSet<String>,
    objects: BTreeMap<String, Object>,
    /// What each target holds, and whether it is to be confirmed.
    targets: BTreeMap<String, (Option<String>, bool)>,
    /// Two Leases are two elections: who holds either leads.
    one_lease: bool,
    log: &'a mut Log,
}

/// An object as it was last stored.
struct Object {
    app: String,
    credential: String,
    expect: Expect,
    generation: Value,
    annotations: Value,
    status: Value,
}

impl History<'_> {
    fn saw(&mut self, request: &Request) {
        let is_ours = request.user == self.scene.user;
        let by = self.scene.user_of(&request.credential).filter(|_| is_ours);
        if let Some(by) = by {
            self.asked(request, by);
        }
        if !request.is_write() || !request.succeeded() {
            return;
        }
        let (resource, _) = request.resource.split_once('/').unwrap_or((&request.resource, ""));
        match (resource, by) {
            ("leases", Some(by)) if self.one_lease => self.lease(request, by),
            ("secrets", _) => self.secret(request, by, is_ours),
            ("miniprograms", _) => self.mini_program(request, by, is_ours),
            _ => {}
        }
    }

    fn millis(&self, time: Timestamp) -> i64 {
        time.as_millisecond() - self.began.as_millisecond()
    }

    /// When something was received or stored; nothing of a run happens before it begins.
    fn at(&self, time: Timestamp) -> Millis {
        Millis::try_from(self.millis(time)).unwrap_or(0)
    }

    fn asked(&mut self, request: &Request, by: Process) {
        let verb = match request.verb.as_str() {
            "watch" => return,
            "get" | "list" => Verb::Read,
            _ if request.is_dry_run() => Verb::DryRun,
            _ => Verb::Write,
        };
        if !matches!(request.resource.as_str(), "leases" | "events") {
            // What several apps share is read for none of them alone.
            let apps: BTreeSet<String> = self.apps_of(request).into_iter().collect();
            let app = apps.iter().next().filter(|_| apps.len() == 1).cloned();
            self.log.push(self.at(request.received), Event::Request { by, app, verb });
        }
    }

    /// The apps of the objects that a request is about, or that use its Secret.
    fn apps_of(&self, request: &Request) -> Vec<String> {
        let name = full_name(request, &Value::Null);
        let is_secret = request.resource == "secrets";
        let uses = |object: &Object| {
            object.credential == name || object.expect.target.as_ref() == Some(&name)
        };
        let is_concerned =
            |about: &str, object: &Object| if is_secret { uses(object) } else { about == name };
        let concerned = self.objects.iter().filter(|(about, object)| is_concerned(about, object));
        concerned.map(|(_, object)| object.app.clone()).collect()
    }

    /// Who takes a Lease calls and writes as soon as it knows, so it holds it from the request on.
    fn lease(&mut self, request: &Request, by: Process) {
        let Some(lease) = request.stored() else { return };
        let held =
            lease["spec"]["holderIdentity"].as_str().is_some_and(|holder| !holder.is_empty());
        let sent = self.at(request.received);
        self.log.push(sent, Event::Lease { by, sent, held });
    }

    fn secret(&mut self, request: &Request, by: Option<Process>, is_ours: bool) {
        let at = self.at(request.answered);
        let object = request.stored().unwrap_or(&Value::Null);
        let name = full_name(request, object);
        // Who asks for metadata alone has sent all the rest.
        let sent = &request.event["requestObject"];
        let object = if object["kind"] == "PartialObjectMetadata" { sent } else { object };
        if !is_ours {
            for app in self.apps_of(request) {
                self.log.push(at, Event::Act { app, act: Act::Edit });
            }
        }
        let is_target = object["type"] == names::SECRET_TYPE;
        let token = Some(object).filter(|_| is_target).and_then(|object| self.token_in(object));
        let unconfirmed = object["metadata"]["annotations"][names::UNCONFIRMED].is_string();
        let held = (token.clone(), unconfirmed);
        let is_other = self.targets.get(&name) != Some(&held);
        if is_other && (is_target || self.targets.contains_key(&name)) {
            self.targets.insert(name.clone(), held);
            self.log.push(at, Event::Secret { name, by, token, unconfirmed });
        }
    }

    /// The key of the token is the user's choice.
    fn token_in(&self, secret: &Value) -> Option<String> {
        let values = secret["data"].as_object().into_iter().flatten();
        let mut names = values.filter_map(|(_, value)| {
            let bytes: ByteString = serde_json::from_value(value.clone()).ok()?;
            Some(fingerprint(str::from_utf8(&bytes.0).ok()?))
        });
        names.find(|name| self.minted.contains(name))
    }

    fn mini_program(&mut self, request: &Request, by: Option<Process>, is_ours: bool) {
        let at = self.at(request.answered);
        let Some(stored) = request.stored() else { return self.deleted(request, at) };
        let name = full_name(request, stored);
        let new = self.object(request, stored);
        let old = self.objects.get(&name);
        let is_known = |same: fn(&Object, &Object) -> bool| old.is_some_and(|old| same(old, &new));
        if !is_known(|old, new| old.expect == new.expect) {
            let (app, expect) = (new.app.clone(), new.expect.clone());
            self.log.push(at, Event::Expect { object: name.clone(), app, expect });
        }
        if !is_ours {
            let annotation = |key| {
                let value = new.annotations[key].as_str();
                value.filter(|value| old.is_none_or(|old| old.annotations[key] != **value))
            };
            let acts = [
                annotation(names::REFRESH_REQUESTED).map(|value| Act::Request(value.to_owned())),
                annotation(names::INVALID_TOKEN).map(|token| Act::Report(token.to_owned())),
                Some(Act::Edit).filter(|_| !is_known(|old, new| old.generation == new.generation)),
                Some(Act::Touch),
            ];
            for act in acts.into_iter().flatten() {
                self.log.push(at, Event::Act { app: new.app.clone(), act });
            }
        }
        if !is_known(|old, new| old.status == new.status) {
            if !is_ours && old.is_some() {
                // Times that a person wrote are to the operator as if its clock had been set.
                self.log.push(at, Event::Clock { skew: 0 });
            }
            let sent = self.at(request.received).saturating_sub(ON_ITS_WAY);
            let by = by.map(|process| Writer { process, sent });
            let mut status = Status::of(&new.status, |time| self.millis(time));
            status.target = status.target.map(|target| in_namespace(&request.namespace, &target));
            self.log.push(at, Event::Status { object: name.clone(), by, status: Some(status) });
        }
        self.objects.insert(name, new);
    }

    fn deleted(&mut self, request: &Request, at: Millis) {
        let name = full_name(request, &Value::Null);
        let Some(object) = self.objects.remove(&name).filter(|_| request.verb == "delete") else {
            return;
        };
        let expect = Expect { standing: Standing::AtRest, ..Expect::default() };
        let app = object.app;
        self.log.push(at, Event::Act { app: app.clone(), act: Act::Edit });
        self.log.push(at, Event::Expect { object: name.clone(), app, expect });
        self.log.push(at, Event::Status { object: name, by: None, status: None });
    }

    fn object(&self, request: &Request, stored: &Value) -> Object {
        let (metadata, spec) = (&stored["metadata"], &stored["spec"]);
        let secret = |name: &str| in_namespace(&request.namespace, name);
        let name = metadata["name"].as_str().unwrap_or_default();
        let target = spec["target"]["name"].as_str().map_or(format!("{name}-token"), str::to_owned);
        let suspended = spec["suspend"] == true;
        Object {
            app: spec["appID"].as_str().unwrap_or_default().to_owned(),
            credential: secret(spec["credentialRef"]["name"].as_str().unwrap_or_default()),
            expect: Expect {
                target: Some(secret(&target)).filter(|_| !suspended),
                ready: !suspended,
                standing: if suspended { Standing::AtRest } else { Standing::Served },
                pace: (self.scene.pace)(spec),
                ..Expect::default()
            },
            generation: metadata["generation"].clone(),
            annotations: metadata["annotations"].clone(),
            status: stored["status"].clone(),
        }
    }
}

/// Namespace and name of what a request is about; a generated name is known from the answer.
fn full_name(request: &Request, stored: &Value) -> String {
    let name = stored["metadata"]["name"].as_str().unwrap_or(&request.name);
    in_namespace(&request.namespace, name)
}

fn in_namespace(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use judge::{Act, Event, Log, Pace, Verb};
    use k8s_openapi::ByteString;
    use platform_simulator::{Settings, Simulator, model::fingerprint};
    use serde_json::{Value, json};

    use super::write_down;
    use crate::{Scene, Started, audit::Request};

    const OPERATOR: &str = "system:serviceaccount:shop:miniprogram-operator";

    /// A request that succeeded, and what was stored.
    fn request(user: &str, what: &str, sent: &Value, stored: &Value) -> Request {
        let (verb, resource) = what.split_once(' ').expect("a verb and a resource");
        let (resource, subresource) = match resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource)),
            None => (resource, None),
        };
        let event = json!({
            "requestReceivedTimestamp": "2026-01-01T00:00:00Z",
            "stageTimestamp": "2026-01-01T00:00:01Z",
            "user": {
                "username": user,
                "extra": { "authentication.kubernetes.io/credential-id": ["JTI=1"] },
            },
            "verb": verb,
            "requestURI": "/",
            "objectRef": {
                "resource": resource,
                "subresource": subresource,
                "namespace": "shop",
                "name": stored["metadata"]["name"],
            },
            "responseStatus": { "code": 200 },
            "requestObject": sent,
            "responseObject": stored,
        });
        Request::parse(&event.to_string()).expect("a request")
    }

    fn mini_program(version: &str, status: &Value) -> Value {
        json!({
            "metadata": { "name": "mini", "uid": "u", "generation": 1, "resourceVersion": version },
            "spec": { "appID": "wx1", "credentialRef": { "name": "credential" } },
            "status": status,
        })
    }

    async fn events(requests: Vec<Request>) -> Vec<Event> {
        let simulator = Simulator::start(Settings::default()).await.expect("a simulator");
        let processes = [Started { at: 0, credential: "JTI=1".into(), port: 1 }];
        let pace = |_: &Value| Pace::default();
        let (user, namespace) = (OPERATOR, "shop");
        let scene =
            Scene { simulator: &simulator, user, namespace, processes: &processes, pace: &pace };
        let mut log = Log::default();
        let minted = BTreeSet::from([fingerprint("token")]);
        write_down(&scene, minted, requests, &mut log);
        log.entries().iter().map(|entry| entry.event.clone()).collect()
    }

    #[tokio::test]
    async fn a_first_token_is_written_down_in_the_order_in_which_it_was_stored() {
        let create =
            request("admin", "create miniprograms", &json!({}), &mini_program("1", &json!({})));
        let data = json!({ "access_token": ByteString(b"token".to_vec()) });
        let sent = json!({ "type": "miniprogram.dev/access-token", "data": data });
        let metadata = json!({ "name": "mini-token", "uid": "u", "resourceVersion": "2" });
        let stored = json!({ "kind": "PartialObjectMetadata", "metadata": metadata });
        let apply = request(OPERATOR, "patch secrets", &sent, &stored);
        let ready = json!({ "conditions": [{ "type": "Ready", "status": "True" }] });
        let status = mini_program("3", &ready);
        let report = request(OPERATOR, "patch miniprograms/status", &json!({}), &status);
        let events = events(vec![report, create, apply]).await;
        assert!(
            matches!(&events[..], [
                Event::Expect { object, .. },
                Event::Act { act: Act::Edit, .. },
                Event::Act { act: Act::Touch, .. },
                Event::Status { by: None, .. },
                Event::Request { by: 1, app: Some(_), verb: Verb::Write },
                Event::Secret { name, by: Some(1), token: Some(_), unconfirmed: false },
                Event::Request { by: 1, app: Some(_), verb: Verb::Write },
                Event::Status { by: Some(_), status: Some(status), .. },
            ] if object == "shop/mini" && name == "shop/mini-token" && status.ready),
            "{events:#?}"
        );
    }

    #[tokio::test]
    async fn a_lease_is_held_until_it_is_emptied_and_two_leases_say_nothing() {
        let lease = |name: &str, holder: &str| {
            let metadata = json!({ "name": name, "uid": "u", "resourceVersion": "1" });
            let stored = json!({ "metadata": metadata, "spec": { "holderIdentity": holder } });
            request(OPERATOR, "update leases", &json!({}), &stored)
        };
        let events_of = events(vec![lease("one", "operator_1"), lease("one", "")]).await;
        assert!(
            matches!(
                &events_of[..],
                [Event::Lease { by: 1, held: true, .. }, Event::Lease { by: 1, held: false, .. },]
            ),
            "{events_of:#?}"
        );
        assert!(
            events(vec![lease("one", "operator_1"), lease("two", "operator_2")]).await.is_empty()
        );
    }
}
