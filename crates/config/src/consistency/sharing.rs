//! What two environments both take for themselves. Reads what is declared; probes no port and no
//! account.

use super::{Whole, add};
use crate::codes::Code;
use crate::lane::LaneNode;
use crate::problem::{Problem, Problems};
use crate::tree::{Node, printable};

/// Two routers on one machine that listen on the same address.
pub(super) fn same_address(whole: &Whole<'_>, problems: &mut Problems) {
    let mut seen: Vec<(&LaneNode, &str, Option<&str>, &Node)> = Vec::new();
    for lane in whole.lanes {
        let listen = lane.node.get("router").and_then(|router| router.get("listen"));
        let Some((node, text)) = listen.and_then(|node| Some((node, node.text()?))) else {
            continue;
        };
        let host = lane.node.get("target").and_then(|it| it.get("host")).and_then(Node::text);
        let first = seen.iter().find(|(_, address, at, _)| *address == text && *at == host);
        if let Some((other, _, _, place)) = first {
            let (one, two) = (other.called_beside(lane), lane.called_beside(other));
            let message = format!("{one} and {two} both listen on {}", printable(text));
            let mut problem = Problem::new(Code::SameAddress, node.extent, message)
                .label("only one of them can have it on one machine")
                .next(format!("give {two} a port of its own"));
            if place.extent != node.extent {
                problem = problem.related(place.extent, format!("{one} has it"));
            }
            add(lane, problem, problems);
        } else {
            seen.push((lane, text, host, node));
        }
    }
}
