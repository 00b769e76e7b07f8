//! What a planted fault makes an engine believe. Changes nothing that is so.

use towpath_core::people::PersonSpec;
use towpath_core::project::Project;

use crate::simulator::Planted;

/// The project as the engine takes it to be, where a planted fault bends that.
pub(super) fn project(planted: Option<Planted>, project: &Project) -> Option<Project> {
    if planted != Some(Planted::AnybodyAgrees) {
        return None;
    }
    let mut bent = project.clone();
    let matrix = bent.common.matrix.as_mut()?;
    let everything: Vec<_> = matrix.people.values().flat_map(|one| one.roles.clone()).collect();
    for person in matrix.people.values_mut() {
        let roles = everything.iter().cloned().collect();
        *person = PersonSpec { roles, ..PersonSpec::default() };
    }
    Some(bent)
}
