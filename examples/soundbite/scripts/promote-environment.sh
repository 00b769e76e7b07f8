#!/bin/sh
# Carries a release one environment further: promote-environment.sh FROM TO [OPTION...]
CDPATH= cd -- "$(dirname -- "$0")/.." && exec "${TOWPATH:-towpath}" promote --yes "$@"
