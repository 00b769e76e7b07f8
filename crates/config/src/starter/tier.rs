//! What the name of an environment says about it. Owns the words; nothing in a written matrix is
//! decided here, for there the tier is declared.

use towpath_core::matrix::Tier;

const DEVELOPMENT: &[&str] =
    &["dev", "develop", "development", "local", "localstack", "nonprod", "preview", "sandbox"];
const TESTING: &[&str] =
    &["ci", "int", "integration", "perf", "performance", "qa", "test", "testing", "tests"];
const STAGING: &[&str] =
    &["acceptance", "pre", "preprod", "preproduction", "stage", "staging", "stag", "stg", "uat"];
const PRODUCTION: &[&str] = &["live", "prd", "prod", "production"];

/// The tier that the words of `name` speak of, which are apart by `-`; none when none of them does.
/// Where several do, the first of staging, production, testing, development holds, so that
/// `pre-prod` is staging and `dev-test` testing.
pub fn tier_said_by(name: &str) -> Option<Tier> {
    let says = |words: &[&str]| {
        name.split('-')
            .any(|word| words.contains(&word.trim_end_matches(|it: char| it.is_ascii_digit())))
    };
    let order = [
        (STAGING, Tier::Staging),
        (PRODUCTION, Tier::Production),
        (TESTING, Tier::Testing),
        (DEVELOPMENT, Tier::Development),
    ];
    order.into_iter().find(|(words, _)| says(words)).map(|(_, tier)| tier)
}

/// The tier of an environment called `name`: development when nothing in it says another.
pub fn tier_by_name(name: &str) -> Tier {
    tier_said_by(name).unwrap_or(Tier::Development)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_of_a_name_say_the_tier() {
        let said = [
            ("dev-localstack", Some(Tier::Development)),
            ("dev-aws-deployed", Some(Tier::Development)),
            ("qa2", Some(Tier::Testing)),
            ("pre-prod", Some(Tier::Staging)),
            ("staging-eu", Some(Tier::Staging)),
            ("production", Some(Tier::Production)),
            ("prod1", Some(Tier::Production)),
            ("nonprod", Some(Tier::Development)),
            ("products", None),
            ("devices", None),
            ("delivery", None),
        ];
        for (name, tier) in said {
            assert_eq!(tier_said_by(name), tier, "{name}");
        }
        assert_eq!(tier_by_name("elsewhere"), Tier::Development);
    }
}
