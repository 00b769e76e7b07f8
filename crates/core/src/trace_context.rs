//! Where something stands in a distributed trace (W3C Trace Context, level 1), and which traces are kept. Owns how
//! the name of a span follows from what it is about; records no span and sends none.
//!
//! Names are made and not drawn: whoever asks a check and whoever tells of it afterwards, be it another engine, come
//! to the same name without keeping one.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::ids::{CommandId, Name, PromotionNumber};
use crate::units::Timestamp;

/// Length of `00-TRACE-SPAN-FLAGS`, the only version that there is (section 3.2).
const LENGTH: usize = 55;

/// One span of one trace, as it is handed on in `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceContext {
    /// The trace; never all zero.
    pub trace: [u8; 16],
    /// The span in it; never all zero.
    pub span: [u8; 8],
    /// Whether whoever began the trace keeps it.
    pub sampled: bool,
}

impl TraceContext {
    /// Reads the value of `traceparent`. None for what is not one: the standard has it ignored, and a trace begun
    /// anew.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        let dashes = [2, 35, 52];
        // A later version may be longer, and begins alike (section 3.2.4).
        let is_long = bytes.len() == LENGTH
            || (bytes.len() > LENGTH && !text.starts_with("00") && bytes[LENGTH] == b'-');
        if !is_long || text.starts_with("ff") {
            return None;
        }
        let right = bytes[..LENGTH]
            .iter()
            .enumerate()
            .all(|(at, byte)| if dashes.contains(&at) { *byte == b'-' } else { is_digit(byte) });
        if !right {
            return None;
        }
        let hex = |from: usize, to: usize| u128::from_str_radix(&text[from..to], 16).ok();
        let trace = hex(3, 35)?.to_be_bytes();
        let span = u64::try_from(hex(36, 52)?).ok()?.to_be_bytes();
        let sampled = hex(53, 55)? & 1 == 1;
        (trace != [0; 16] && span != [0; 8]).then_some(Self { trace, span, sampled })
    }

    /// A trace that begins with what this is about.
    pub fn beginning(about: &str) -> Self {
        let hash = sha2::Sha256::digest(about.as_bytes());
        let mut trace = [0; 16];
        trace.copy_from_slice(&hash[..16]);
        let begun = Self { trace: not_zero(trace), span: [0; 8], sampled: false };
        begun.below(about)
    }

    /// The span of the same trace that is about this, whoever asks.
    #[must_use]
    pub fn below(self, about: &str) -> Self {
        let mut hash = sha2::Sha256::new();
        hash.update(self.trace);
        hash.update(about.as_bytes());
        let mut span = [0; 8];
        span.copy_from_slice(&hash.finalize()[..8]);
        Self { span: not_zero(span), ..self }
    }
}

/// The standard has no name of zeros.
fn not_zero<const LENGTH: usize>(mut name: [u8; LENGTH]) -> [u8; LENGTH] {
    if name == [0; LENGTH] {
        name[LENGTH - 1] = 1;
    }
    name
}

impl fmt::Display for TraceContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (u128::from_be_bytes(self.trace), u64::from_be_bytes(self.span));
        write!(formatter, "00-{trace:032x}-{span:016x}-{:02x}", u8::from(self.sampled))
    }
}

impl From<TraceContext> for String {
    fn from(context: TraceContext) -> Self {
        context.to_string()
    }
}

impl TryFrom<String> for TraceContext {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::read(&text).ok_or_else(|| format!("`{text}` is no traceparent"))
    }
}

/// Which traces are kept: the samplers of OpenTelemetry that need no other service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// The share of the traces that begin here, 0 to 1.
    pub share: f64,
    /// Whether whoever began a trace elsewhere has decided about it.
    pub heeds_caller: bool,
}

impl Sampling {
    /// Whether the trace is kept, of which `caller` is the span before, if there is one.
    pub fn keeps(self, trace: [u8; 16], caller: Option<TraceContext>) -> bool {
        if let (true, Some(caller)) = (self.heeds_caller, caller) {
            return caller.sampled;
        }
        // The last 56 bits are chance in whatever traces have (W3C Trace Context, level 2).
        let low = u128::from_be_bytes(trace) & ((1 << 56) - 1);
        #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
        let place = low as f64 / (1_u64 << 56) as f64;
        place < self.share
    }
}

/// The span of a promotion as a whole; none where nobody keeps traces and nobody brought one. `sampling` is none where
/// no spans are sent from here: then whatever the promotion asks belongs below the span that ordered it.
pub fn of_promotion(
    sampling: Option<Sampling>,
    project: &Name,
    number: PromotionNumber,
    ordered_at: Timestamp,
    caller: Option<TraceContext>,
) -> Option<TraceContext> {
    let Some(sampling) = sampling else { return caller };
    let about = format!("{project}/{number}/{}", ordered_at.0);
    let own = caller.map_or_else(|| TraceContext::beginning(&about), |it| it.below(&about));
    Some(TraceContext { sampled: sampling.keeps(own.trace, caller), ..own })
}

/// What the span of one command of a promotion is about.
pub fn of_command(command: CommandId) -> String {
    format!("command {}", command.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_as_it_was_written_and_nothing_else_is_one() {
        let read = TraceContext::read(GIVEN).unwrap();
        assert_eq!(read.to_string(), GIVEN);
        assert!(read.sampled);
        let later = GIVEN.replacen("00", "cc", 1) + "-what-comes";
        assert_eq!(TraceContext::read(&later), Some(read));
        for wrong in [
            "",
            "00",
            &GIVEN.to_uppercase(),
            &GIVEN.replacen("00-", "ff-", 1),
            &format!("{GIVEN}-more"),
            &GIVEN[..54],
            &GIVEN.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &GIVEN.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &GIVEN.replace("00f067aa0ba902b7", "00f067aa0ba902b+"),
            &GIVEN.replace("-01", "é1"),
        ] {
            assert_eq!(TraceContext::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_promotion_has_the_same_span_whoever_asks_and_another_one_another() {
        let all = Some(Sampling { share: 1.0, heeds_caller: true });
        let name = Name::new("shop").unwrap();
        let at = Timestamp(7);
        let of =
            |number, caller| of_promotion(all, &name, PromotionNumber(number), at, caller).unwrap();
        assert_eq!(of(1, None), of(1, None));
        assert_ne!(of(1, None).trace, of(2, None).trace);
        let caller = TraceContext::read(GIVEN).unwrap();
        let joined = of(1, Some(caller));
        assert_eq!(joined.trace, caller.trace);
        assert!(joined.span != caller.span && joined.sampled);
        assert_ne!(joined.span, of(2, Some(caller)).span);
        let step = joined.below(&of_command(CommandId(4)));
        assert!(step.trace == joined.trace && step.span != joined.span);
        // Nothing is sent from here: what is asked belongs to whoever ordered.
        let none = |caller| of_promotion(None, &name, PromotionNumber(1), at, caller);
        assert_eq!((none(Some(caller)), none(None)), (Some(caller), None));
    }

    #[test]
    fn a_share_of_the_traces_is_kept_and_a_caller_is_heeded_where_it_shall_be() {
        let traces = |share, heeds_caller, caller| {
            let sampling = Sampling { share, heeds_caller };
            let all = (0..1000).map(|number| TraceContext::beginning(&format!("trace {number}")));
            all.filter(|one| sampling.keeps(one.trace, caller)).count()
        };
        assert_eq!((traces(1.0, false, None), traces(0.0, false, None)), (1000, 0));
        assert!((150..350).contains(&traces(0.25, false, None)));
        let caller = TraceContext::read(GIVEN);
        assert_eq!((traces(0.0, true, caller), traces(0.0, false, caller)), (1000, 0));
        let unkept = caller.map(|caller| TraceContext { sampled: false, ..caller });
        assert_eq!((traces(1.0, true, unkept), traces(1.0, false, unkept)), (0, 1000));
    }
}
