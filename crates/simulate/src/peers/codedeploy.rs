//! AWS CodeDeploy: any alarm in the state ALARM stops the deployment and rolls it back.

use super::{Peer, after_two_in_a_row};
use crate::counts::Series;

/// An alarm on green's error rate above 5%, two periods of a minute in a row.
pub(super) const FIVE_PERCENT: Peer = Peer {
    name: "CodeDeploy, alarm > 5%, 2 of 2 minutes",
    source: "CodeDeploy user guide, alarms; a period and a threshold chosen for this comparison",
    decide: five_percent,
};

/// The alarm of AWS's own SAM example: `Errors`, `Sum`, greater than 0, `Period: 60`,
/// `EvaluationPeriods: 2`.
pub(super) const ANY_ERROR: Peer = Peer {
    name: "CodeDeploy, SAM example alarm, errors > 0",
    source: "aws/serverless-application-model docs/safe_lambda_deployments.rst",
    decide: any_error,
};

fn five_percent(series: &Series) -> Option<usize> {
    after_two_in_a_row(series, |minute| {
        series.green.minute(minute).is_some_and(|share| share > 0.05)
    })
}

fn any_error(series: &Series) -> Option<usize> {
    after_two_in_a_row(series, |minute| series.green.failed_in_minute(minute) > 0.0)
}
