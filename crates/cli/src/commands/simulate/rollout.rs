//! Which rollout is run: the file, the lane in it, and its course. Owns the refusals of what cannot
//! be run.

use std::path::{Path, PathBuf};

use towpath_core::guarding;
use towpath_core::ids::Name;
use towpath_core::matrix::{LaneSpec, Matrix, Tier};
use towpath_guard::Policy;
use towpath_server::simulating;
use towpath_simulate::Course;

use crate::args::SimulateArguments;
use crate::commands::{Context, matrix, session};
use crate::exit_code::{CliError, ExitCode};

/// Files that are compared at the most: a fifth does not fit beside the others.
const MOST_POLICIES: usize = 4;

/// A rollout as a file declares it.
pub(super) struct Declared {
    /// What the answer calls it: the file, or that it is the matrix in use.
    pub(super) name: String,
    /// Where it is declared.
    pub(super) file: PathBuf,
    /// Whose it is.
    pub(super) environment: Name,
    /// Likewise.
    pub(super) service: Name,
    /// All that is declared there.
    pub(super) lane: LaneSpec,
    /// How traffic moves.
    pub(super) course: Course,
    /// What the guard tests.
    pub(super) policy: Policy,
}

/// The rollouts that were asked for; at least one.
///
/// # Errors
/// What is wrong with a file, a name or a rollout, in the order of the files.
pub(super) fn all(
    arguments: &SimulateArguments,
    context: &Context,
) -> Result<Vec<Declared>, CliError> {
    if arguments.policies.len() > MOST_POLICIES {
        let message = "nothing was simulated";
        return Err(CliError::new(ExitCode::Usage, "too-many-policies", message).because(format!(
            "at most {MOST_POLICIES} files are compared, and there are {}",
            arguments.policies.len()
        )));
    }
    if arguments.policies.is_empty() {
        let file = context.project()?.matrix_file;
        return Ok(vec![one(&file, "this matrix".to_owned(), arguments, context)?]);
    }
    let files = arguments.policies.iter();
    files.map(|file| one(file, matrix::name(file), arguments, context)).collect()
}

fn one(
    file: &Path,
    name: String,
    arguments: &SimulateArguments,
    context: &Context,
) -> Result<Declared, CliError> {
    let (matrix, _) = matrix::of_file(file, "nothing was simulated", context)?;
    context.knows_services(matrix.services.len() > 1);
    let named = arguments.environment.as_ref();
    let environment = environment(&matrix, named).map_err(|it| it.at(matrix::name(file)))?;
    let service =
        service(&matrix, &environment, context).map_err(|it| it.at(matrix::name(file)))?;
    let id = towpath_core::ids::LaneId { service, environment };
    let Some((_, lane)) = matrix.lane(&id) else {
        let message = format!("nothing is declared for {} in {}", id.service, id.environment);
        return Err(CliError::new(ExitCode::NotFound, "no-lane", message));
    };
    let course = simulating::course(lane);
    if lane.router.is_none() || course.most_s() <= 0.0 {
        return Err(nothing_to_run(lane, &id.environment).at(matrix::name(file)));
    }
    Ok(Declared {
        name,
        file: file.to_owned(),
        policy: guarding::policy(lane, 1, guarding::ROUTER_SHARE, 1),
        course,
        lane: lane.clone(),
        environment: id.environment,
        service: id.service,
    })
}

fn environment(matrix: &Matrix, named: Option<&Name>) -> Result<Name, CliError> {
    let known: Vec<&str> = matrix.environments.iter().map(|it| it.name.as_str()).collect();
    if let Some(name) = named {
        let retry = |near: &str| format!("towpath simulate {near}");
        let found = matrix.environment(name).map(|it| it.name.clone());
        return found.ok_or_else(|| session::no_environment(name, &known, retry));
    }
    let production = matrix.environments.iter().filter(|it| it.tier == Tier::Production);
    if let [only] = production.collect::<Vec<_>>().as_slice() {
        return Ok(only.name.clone());
    }
    let message = "which environment is meant?";
    let mut error = CliError::new(ExitCode::Usage, "environment-needed", message)
        .because("not exactly one environment has the tier production, and none was named");
    // More than a screenful of choices is no help.
    for name in known.iter().take(5) {
        error = error.next(format!("towpath simulate {name}"), "");
    }
    Err(error)
}

fn service(matrix: &Matrix, environment: &Name, context: &Context) -> Result<Name, CliError> {
    let known: Vec<&str> = matrix.services.keys().map(Name::as_str).collect();
    match (&context.global.service, known.as_slice()) {
        (Some(service), _) if matrix.services.contains_key(service) => Ok(service.clone()),
        (Some(service), _) => Err(session::no_service(service, &known)),
        (None, [_]) => Ok(matrix.services.keys().next().expect("there is one").clone()),
        (None, _) => {
            let retry = format!("towpath simulate {environment}");
            Err(session::service_needed(&known, &retry))
        }
    }
}

fn nothing_to_run(lane: &LaneSpec, environment: &Name) -> CliError {
    let message = format!("the rollout of {environment} has nothing to simulate");
    if lane.router.is_none() {
        return CliError::new(ExitCode::Usage, "no-router", message)
            .because("it has no router, so that no share of the traffic can be on a new release")
            .next("towpath matrix show --resolved", "what is declared where");
    }
    CliError::new(ExitCode::Usage, "no-bake", message)
        .because("no step of it has a bake, so that it is over before anything can be judged")
        .next("towpath matrix show --resolved", "its steps, and where they come from")
}
