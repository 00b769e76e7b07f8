//! What the proxy is told about requests that are served twice: again after a failure, or as a copy.
//! Owns the translation of the rules; which requests they fit is the proxy's.

use towpath_core::matrix::Rescue;
use towpath_ports::router::Mirroring;
use towpath_proxy::{MAX_RESCUE_BODY_BYTES, MirrorSpec, RescueSpec};

pub(super) fn rescue(rules: &Rescue) -> RescueSpec {
    RescueSpec {
        except: rules.except.clone(),
        methods: rules.methods.clone(),
        body_bytes: rules.body_bytes.min(MAX_RESCUE_BODY_BYTES),
        within_ms: rules.within.milliseconds().max(1),
    }
}

pub(super) fn mirror(asked: &Mirroring) -> MirrorSpec {
    MirrorSpec {
        share_bp: asked.share.basis_points().max(1),
        except: asked.rules.except.clone(),
        compare_bodies: asked.rules.compare_bodies,
    }
}
