#!/bin/sh
# Carries the release verified in dev-aws-deployed to staging: promote-to-staging.sh [OPTION...]
CDPATH= cd -- "$(dirname -- "$0")/.." && exec "${TOWPATH:-towpath}" promote --yes dev-aws-deployed staging "$@"
