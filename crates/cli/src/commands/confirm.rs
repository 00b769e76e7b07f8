//! Asks a person to type the environment's name before visitors can meet something new. Never asked
//! before what makes things safer (design.md section 8).

use std::io::{BufRead as _, Write as _};

use crate::commands::Context;
use crate::exit_code::{CliError, ExitCode};

/// What is about to happen.
pub(crate) struct Question<'a> {
    /// Where.
    pub(crate) environment: &'a str,
    /// Its tier; only production is asked about.
    pub(crate) tier: &'a str,
    /// Whether `--yes` was given.
    pub(crate) yes: bool,
    /// The same command, complete, to which `--yes` is added.
    pub(crate) command: String,
    /// What does not happen, such as `nothing was started`.
    pub(crate) otherwise: &'a str,
}

/// Goes on, or says why not.
///
/// # Errors
/// `name-needed` (exit 2) when nobody can be asked, `not-confirmed` (exit 2) when something else
/// was typed.
pub(crate) fn ask(question: &Question<'_>, context: &Context) -> Result<(), CliError> {
    if question.tier != "production" || question.yes {
        return Ok(());
    }
    if !context.asks {
        return Err(name_needed(question, context));
    }
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "Type the environment's name to start (Enter stops): ");
    let _ = err.flush();
    drop(err);
    let mut typed = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut typed)
        .map_err(|error| anyhow::Error::new(error).context("the answer could not be read"))?;
    decide(question, typed.trim())
}

fn decide(question: &Question<'_>, typed: &str) -> Result<(), CliError> {
    if typed == question.environment {
        return Ok(());
    }
    let cause = if typed.is_empty() {
        "the name was not typed".to_owned()
    } else {
        format!("`{}` is not `{}`", typed.escape_debug(), question.environment)
    };
    Err(CliError::new(ExitCode::Usage, "not-confirmed", question.otherwise)
        .because(cause)
        .next(question.command.clone(), "asks again"))
}

fn name_needed(question: &Question<'_>, context: &Context) -> CliError {
    let why = if context.global.no_input || context.global.json {
        "nobody may be asked"
    } else {
        "this is not a terminal"
    };
    let message = format!(
        "{}: {} asks for its name to be typed, and {why}",
        question.otherwise, question.environment
    );
    CliError::new(ExitCode::Usage, "name-needed", message)
        .next(format!("{} --yes", question.command), "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Global;

    fn question(tier: &'static str, yes: bool) -> Question<'static> {
        Question {
            environment: "production",
            tier,
            yes,
            command: "towpath promote staging production".to_owned(),
            otherwise: "nothing was started",
        }
    }

    #[test]
    fn only_production_asks_and_yes_answers() {
        let context = Context::new(Global { no_input: true, ..Global::default() });
        assert!(ask(&question("staging", false), &context).is_ok());
        assert!(ask(&question("production", true), &context).is_ok());
        let refused = ask(&question("production", false), &context).expect_err("nobody to ask");
        assert_eq!(refused.trouble().exit, ExitCode::Usage);
        assert_eq!(refused.trouble().next[0].command, "towpath promote staging production --yes");
    }

    #[test]
    fn only_the_exact_name_goes_on() {
        let question = question("production", false);
        assert!(decide(&question, "production").is_ok());
        for typed in ["", "y", "yes", "Production", "staging"] {
            let refused = decide(&question, typed).expect_err("another word");
            assert_eq!(refused.trouble().code, "not-confirmed", "{typed}");
        }
    }
}
