//! Connections that switched protocols, WebSockets above all: bytes both ways until either side
//! ends. Owns their end; an arm that leaves the route keeps its tunnels for the drain time.

use http::Response;
use http::header::{CONNECTION, UPGRADE};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use towpath_guard::ErrorKind;

use crate::body::AnswerBody;
use crate::headers;
use crate::pool::Connection;
use crate::record::{Admitted, Record};

/// Passes a 101 on and joins both sides behind it.
pub(crate) fn open(
    mut response: Response<Incoming>,
    visitor: OnUpgrade,
    mut record: Record,
    connection: Connection,
    admitted: Admitted,
) -> Response<AnswerBody> {
    record.finish(ErrorKind::None);
    let upstream = hyper::upgrade::on(&mut response);
    let (mut parts, _nothing) = response.into_parts();
    let protocol = parts.headers.get(UPGRADE).cloned();
    headers::strip_hop_by_hop(&mut parts.headers);
    parts.headers.insert(CONNECTION, http::HeaderValue::from_static("upgrade"));
    if let Some(protocol) = protocol {
        parts.headers.insert(UPGRADE, protocol);
    }
    connection.hand_to(async move {
        // Both count as under way until the tunnel ends.
        let _held = (record, admitted);
        let (Ok(visitor), Ok(upstream)) = (visitor.await, upstream.await) else { return };
        let (mut visitor, mut upstream) = (TokioIo::new(visitor), TokioIo::new(upstream));
        // Either side may end a tunnel whenever it likes; there is nobody to tell.
        let _ended = copy_bidirectional(&mut visitor, &mut upstream).await;
    });
    Response::from_parts(parts, AnswerBody::Text(None))
}
