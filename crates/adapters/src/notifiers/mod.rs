//! What tells people. Owns the list of notifier kinds; none is built yet, so there is no port.

mod planned;

use towpath_ports::catalogue::KindEntry;

/// All kinds, in the order in which they are listed to people.
pub const KINDS: &[KindEntry] = &[
    planned::SMTP,
    planned::WEBHOOK,
    planned::PAGERDUTY,
    planned::PHONE,
    planned::SNS,
    planned::STATUS_PAGE,
];
