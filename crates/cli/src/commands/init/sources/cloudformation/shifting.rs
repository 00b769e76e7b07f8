//! The names that AWS gives to ways of shifting traffic, as steps. Knows the names alone.

use towpath_core::units::Span;

/// Steps of one rollout that are written down; `Linear1Percent...` would have 100.
const MOST_STEPS: u64 = 20;

/// The strategy and steps behind a name such as `Canary10Percent5Minutes` or
/// `CodeDeployDefault.LambdaLinear10PercentEvery1Minute`; no steps for all at once, none for other names
/// (<https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html>).
pub(super) fn steps(name: &str) -> Option<(&'static str, Vec<(u8, Span)>)> {
    let name = name.strip_prefix("CodeDeployDefault.").unwrap_or(name);
    let name = name.strip_prefix("Lambda").or_else(|| name.strip_prefix("ECS")).unwrap_or(name);
    if name == "AllAtOnce" {
        return Some(("all-at-once", Vec::new()));
    }
    let minutes = |text: &str| -> Option<Span> {
        let number = text.strip_suffix("Minutes").or_else(|| text.strip_suffix("Minute"))?;
        // CodeDeploy waits for two days at the most.
        number.parse().ok().filter(|it| (1..=2880).contains(it)).map(Span::minutes)
    };
    if let Some(rest) = name.strip_prefix("Canary") {
        let (share, wait) = rest.split_once("Percent")?;
        let share: u8 = share.parse().ok().filter(|it| (1..100).contains(it))?;
        return Some(("canary", vec![(share, minutes(wait)?), (100, Span::ZERO)]));
    }
    let (share, wait) = name.strip_prefix("Linear")?.split_once("PercentEvery")?;
    let share: u64 = share.parse().ok().filter(|it| (1..100).contains(it))?;
    let wait = minutes(wait)?;
    let count = 100_u64.div_ceil(share);
    let weights = (1..count).filter_map(|number| u8::try_from(number * share).ok());
    let mut steps: Vec<(u8, Span)> = weights.map(|weight| (weight, wait)).collect();
    // The steps of `linear` are equal, so that the last one bakes like the others.
    let equal = 100 % share == 0;
    steps.push((100, if equal { wait } else { Span::ZERO }));
    let strategy = if equal { "linear" } else { "canary" };
    (count <= MOST_STEPS).then_some((strategy, steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_aws_are_steps() {
        let five = Span::minutes(5);
        let canary = Some(("canary", vec![(10, five), (100, Span::ZERO)]));
        assert_eq!(steps("Canary10Percent5Minutes"), canary);
        assert_eq!(steps("CodeDeployDefault.LambdaCanary10Percent5Minutes"), canary);
        let (strategy, linear) = steps("Linear10PercentEvery1Minute").unwrap();
        assert_eq!((strategy, linear.len()), ("linear", 10));
        assert_eq!((linear[0], linear[8].0), ((10, Span::minutes(1)), 90));
        assert_eq!(linear[9], (100, Span::minutes(1)));
        let (strategy, uneven) = steps("Linear30PercentEvery2Minutes").unwrap();
        assert_eq!((strategy, uneven[2].0, uneven[3]), ("canary", 90, (100, Span::ZERO)));
        assert_eq!(steps("AllAtOnce").unwrap().1, []);
        for unknown in [
            "",
            "Canary10",
            "Canary200Percent5Minutes",
            "Linear0PercentEvery1Minute",
            "Linear1PercentEvery1Minute",
            "MyOwn",
            "Canary10Percent9999999Minutes",
        ] {
            assert_eq!(steps(unknown), None, "{unknown}");
        }
    }
}
