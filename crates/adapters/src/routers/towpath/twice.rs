//! What the proxy is told, and tells, about requests that are served twice: again after a failure, or
//! as a copy. Owns the translation; which requests they fit is the proxy's.

use towpath_core::matrix::Rescue;
use towpath_ports::router::{Met, Mirroring};
use towpath_proxy::{MAX_RESCUE_BODY_BYTES, MirrorSpec, RescueSpec, Tally};

pub(super) fn rescue(rules: &Rescue) -> RescueSpec {
    RescueSpec {
        except: rules.except.clone(),
        methods: rules.methods.clone(),
        body_bytes: rules.body_bytes.min(MAX_RESCUE_BODY_BYTES),
        within_ms: rules.within.milliseconds().max(1),
        hedge: rules.hedge,
    }
}

pub(super) fn mirror(asked: &Mirroring) -> MirrorSpec {
    MirrorSpec {
        share_bp: asked.share.basis_points().max(1),
        except: asked.rules.except.clone(),
        compare_bodies: asked.rules.compare_bodies,
    }
}

/// What visitors met, and what copies showed.
pub(super) fn met(tally: &Tally) -> Met {
    Met {
        harmed: tally.harmed,
        rescued: tally.rescue.succeeded,
        mirrored: tally.mirror.compared,
        differing: tally.mirror.differing_status + tally.mirror.differing_body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use towpath_core::matrix::Mirror;
    use towpath_core::units::{Span, Weight};

    #[test]
    fn the_proxy_is_told_what_the_matrix_says() {
        let rules = Rescue {
            except: vec!["/checkout".into()],
            methods: vec!["PUT".into()],
            body_bytes: u32::MAX,
            within: Span::seconds(3),
            hedge: true,
        };
        let spec = rescue(&rules);
        assert_eq!((spec.except, spec.methods), (rules.except.clone(), rules.methods));
        assert_eq!((spec.body_bytes, spec.within_ms), (MAX_RESCUE_BODY_BYTES, 3000));
        assert!(spec.hedge);
        let rules = Mirror { except: rules.except, compare_bodies: true };
        let share = Weight::from_basis_points(1250).unwrap();
        let spec = mirror(&Mirroring { share, rules: rules.clone() });
        assert_eq!((spec.share_bp, spec.compare_bodies), (1250, true));
        assert_eq!(spec.except, rules.except);
    }
}
