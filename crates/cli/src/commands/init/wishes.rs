//! What a person wants other than what was found: options, and answers to questions. Owns their
//! effect on the findings; asks nobody.

use towpath_config::{StarterHealth, StarterTarget};
use towpath_core::ids::Name;

use super::guess::Guess;
use super::sources::{Findings, FoundEnvironment, FoundLane};
use crate::exit_code::{CliError, ExitCode};

/// What was asked for by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    /// What the project is called.
    pub(crate) project: Option<Name>,
    /// Which environments, in which order.
    pub(crate) environments: Option<Vec<Name>>,
    /// How the one service is started.
    pub(crate) command: Option<Vec<String>>,
    /// Which path answers when all is well.
    pub(crate) health_path: Option<String>,
}

impl Wishes {
    /// The findings with what was wished in the place of what was found.
    ///
    /// # Errors
    /// `usage` for a start command where there are several services.
    pub(crate) fn applied(
        &self,
        mut found: Findings,
        guess: &mut Guess,
    ) -> Result<Findings, CliError> {
        if let Some(project) = &self.project {
            found.project = Some(project.clone());
        }
        if let Some(names) = &self.environments {
            let known = std::mem::take(&mut found.environments);
            let of = |name: &Name| known.iter().find(|it| it.name == *name).cloned();
            let chosen = names
                .iter()
                .map(|name| of(name).unwrap_or_else(|| FoundEnvironment::called(name.clone())));
            found.environments = chosen.collect();
            found.is_ordered = true;
        }
        if let Some(command) = &self.command {
            if found.services.len() > 1 {
                let message = "nothing was written: a start command is that of one service";
                return Err(CliError::new(ExitCode::Usage, "usage", message)
                    .because(format!("there are {} services", found.services.len()))
                    .next("towpath init", "without --start; then edit the file"));
            }
            guess.command.clone_from(command);
            guess.command_from = Some("what was asked for");
            every_lane(&mut found, |lane| {
                lane.target = Some(StarterTarget::Process(command.clone()));
            });
        }
        if let Some(path) = &self.health_path {
            found.health_path = Some(path.clone());
            every_lane(&mut found, |lane| {
                let health = lane.health.get_or_insert_with(|| StarterHealth::at(path));
                health.endpoints = vec![path.clone()];
            });
        }
        Ok(found)
    }
}

fn every_lane(found: &mut Findings, mut change: impl FnMut(&mut FoundLane)) {
    found.everywhere.values_mut().for_each(&mut change);
    found.environments.iter_mut().flat_map(|it| it.lanes.values_mut()).for_each(change);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::init::guess;
    use crate::commands::init::sources::complete;

    fn names(of: &[&str]) -> Vec<Name> {
        of.iter().map(|it| Name::new(it).expect("a name")).collect()
    }

    #[test]
    fn what_a_person_wants_stands_in_the_place_of_what_was_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut guess = guess::look(folder.path());
        let wishes = Wishes {
            project: Name::new("mine").ok(),
            environments: Some(names(&["production", "elsewhere"])),
            command: Some(vec!["./run".to_owned()]),
            health_path: Some("/up".to_owned()),
        };
        let found = wishes.applied(Findings::default(), &mut guess).expect("one service");
        let (input, said) = complete(found, &guess);
        assert_eq!(input.project.as_str(), "mine");
        let order: Vec<&str> = input.environments.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(order, ["production", "elsewhere"]);
        for lane in input.environments.iter().flat_map(|it| &it.lanes) {
            assert_eq!(lane.target, StarterTarget::Process(vec!["./run".to_owned()]));
            assert_eq!(lane.health.as_ref().expect("a port").endpoints, ["/up"]);
        }
        assert!(!said.assumed.iter().any(|it| it.starts_with("order")), "{said:?}");
    }

    #[test]
    fn a_start_command_is_refused_where_there_are_several_services() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "services: { api: { image: a }, web: { image: b } }\n";
        std::fs::write(folder.path().join("compose.yaml"), text).expect("written");
        let mut guess = guess::look(folder.path());
        let found = crate::commands::init::sources::read(
            crate::commands::init::Source::Compose,
            Some(folder.path()),
            &guess.project,
            &mut |_| Ok(None),
        );
        let found = found.expect("it is read");
        let wishes = Wishes { command: Some(vec!["./run".to_owned()]), ..Wishes::default() };
        let error = wishes.applied(found, &mut guess).expect_err("two services");
        assert_eq!(error.trouble().exit, ExitCode::Usage);
    }
}
