//! Orders that concern many lanes at once, as the engine takes them. Decides nothing: what follows is the
//! core's.

use towpath_core::ids::LaneId;
use towpath_core::journal::Event;
use towpath_core::project::Common;
use towpath_core::reason::Refusal;
use towpath_core::units::Timestamp;

use super::World;
use super::fate::Fate;
use super::told::Told;

impl<F: Fate> World<F> {
    /// A freeze or its end concerns whatever is open.
    pub(super) fn wake_open(&mut self, engine: usize) {
        let lanes = self.engines[engine].project().lanes.values();
        let open = lanes.filter(|lane| lane.active.is_some() || !lane.waiting.is_empty());
        let open: Vec<LaneId> = open.map(|lane| lane.id.clone()).collect();
        for lane in open {
            self.wake_at(engine, &lane, self.now);
        }
    }

    /// What is looked at again because of something that belongs to no lane.
    pub(super) fn wake_after(&mut self, engine: usize, event: &Event) {
        match event {
            Event::Frozen(_) | Event::Thawed(_) => self.wake_open(engine),
            Event::MatrixApplied { .. } => self.wake_serving(engine),
            _ => {}
        }
    }

    /// After a matrix: what serves where nothing is under way may be set up otherwise now.
    fn wake_serving(&mut self, engine: usize) {
        let lanes = self.engines[engine].project().lanes.values();
        let free = lanes.filter(|lane| lane.active.is_none() && lane.waiting.is_empty());
        let serving = free.filter(|lane| lane.serving.is_some());
        let serving: Vec<LaneId> = serving.map(|lane| lane.id.clone()).collect();
        for lane in serving {
            self.wake_at(engine, &lane, self.now);
        }
    }

    /// Somebody freezes or thaws something. Answers whether an engine took it and decided about it, be
    /// it with a refusal.
    pub fn order(
        &mut self,
        order: impl Fn(&Common, Timestamp) -> Result<Event, Box<Refusal>>,
    ) -> bool {
        let Some(owner) = self.owner() else { return false };
        let at = self.engines[owner].clock(self.now);
        match order(&self.engines[owner].project().common, at) {
            Ok(event) => self.declare(&event),
            Err(refusal) => {
                self.say(Told::Refused(*refusal));
                true
            }
        }
    }
}
