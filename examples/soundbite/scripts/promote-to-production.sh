#!/bin/sh
# Carries the release verified in staging to production: promote-to-production.sh [OPTION...]
CDPATH= cd -- "$(dirname -- "$0")/.." && exec "${TOWPATH:-towpath}" promote --yes staging production "$@"
