//! Check `tcp`: somebody listens. Owns one question; says nothing and reads nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use tokio::net::{TcpStream, lookup_host};
use towpath_core::check::CheckAnswer;
use towpath_ports::check::{Check, CheckRequest};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState};

use crate::outgoing;
use crate::question;

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "tcp",
        summary: "Somebody listens at an address; {green} asks every instance.",
        example: "{ check: tcp, address: \"database.internal:5432\" }",
        state: KindState::Built,
        capabilities: &["green"],
        fields: &[Field {
            name: "address",
            of: FieldType::Text,
            default: Some(question::PLACE),
            doc: "HOST:PORT, or {green} for each instance of the release, all of which must pass.",
        }],
        validate,
    },
    build: Some(|settings, _site| Ok(Arc::new(Tcp::new(settings)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let address = settings.get("address").and_then(Value::as_str).unwrap_or_default();
    let port = address.rsplit_once(':').and_then(|(host, port)| {
        port.parse::<u16>().ok().filter(|port| *port > 0 && !host.is_empty())
    });
    if address == question::PLACE || port.is_some() {
        return Vec::new();
    }
    let message = format!("`{address}` is no address with a port");
    vec![Problem::new("address", message, "HOST:PORT or {green}")]
}

#[derive(Debug, Deserialize)]
struct Tcp {
    address: String,
}

impl Tcp {
    fn new(settings: &Value) -> Result<Self, String> {
        Self::deserialize(settings).map_err(|error| format!("check `tcp`: {error}"))
    }

    async fn addresses(&self, request: &CheckRequest) -> Result<Vec<SocketAddr>, CheckAnswer> {
        if self.address == question::PLACE {
            question::first(&self.address, request)?;
            return Ok(request.green.iter().map(|one| one.address).collect());
        }
        let unknown = |what: String| CheckAnswer::inconclusive(format!("{}: {what}", self.address));
        let found = lookup_host(&self.address).await.map_err(|error| unknown(error.to_string()))?;
        let found: Vec<_> = found.collect();
        if found.iter().any(|address| outgoing::is_forbidden(address.ip())) {
            return Err(unknown("a link-local, metadata or group address is not asked".to_owned()));
        }
        // Any address of a name will do; the first is what programs take.
        found
            .first()
            .map(|first| vec![*first])
            .ok_or_else(|| unknown("it has no address".to_owned()))
    }

    async fn ask_all(&self, request: &CheckRequest) -> CheckAnswer {
        let addresses = match self.addresses(request).await {
            Ok(addresses) => addresses,
            Err(answer) => return answer,
        };
        for address in &addresses {
            if let Err(error) = TcpStream::connect(address).await {
                return self.silent(format!("{address} does not listen: {error}"));
            }
        }
        let listed: Vec<_> = addresses.iter().map(SocketAddr::to_string).collect();
        CheckAnswer::pass(format!("{} listens", listed.join(", ")))
    }

    /// As of check `http`: what is judged fails by its silence, another source proves nothing.
    fn silent(&self, what: String) -> CheckAnswer {
        if self.address == question::PLACE {
            CheckAnswer::fail(what)
        } else {
            CheckAnswer::inconclusive(what)
        }
    }
}

#[async_trait]
impl Check for Tcp {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        match tokio::time::timeout(question::patience(request), self.ask_all(request)).await {
            Ok(answer) => answer,
            Err(_) => {
                self.silent(format!("{} did not accept within {}", self.address, request.timeout))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::testing::{Evidence, check, problems, request, site};
    use serde_json::json;
    use towpath_core::check::CheckResult;

    #[tokio::test]
    async fn every_instance_must_listen() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let site = site(std::path::Path::new("/"), 1);
        let ask = async |settings: &Value, green: &[SocketAddr]| {
            check("tcp", settings, &site).ask(&request(green, Evidence::default())).await.result
        };
        let own = json!({});
        assert_eq!(ask(&own, &[open, open]).await, CheckResult::Pass);
        assert_eq!(ask(&own, &[open, closed]).await, CheckResult::Fail);
        assert_eq!(ask(&own, &[]).await, CheckResult::Inconclusive);
        let named = |port: u16| json!({ "address": format!("localhost:{port}") });
        assert_eq!(ask(&named(closed.port()), &[]).await, CheckResult::Inconclusive);
        let metadata = json!({ "address": "169.254.169.254:80" });
        assert_eq!(ask(&metadata, &[]).await, CheckResult::Inconclusive);
    }

    #[test]
    fn an_address_without_a_port_is_refused_when_the_matrix_is_checked() {
        for bad in ["localhost", "localhost:0", ":80", "localhost:70000", "{green}:80x"] {
            assert_eq!(problems("tcp", &json!({ "address": bad })), ["address"], "{bad}");
        }
    }
}
