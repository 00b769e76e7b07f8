#!/bin/sh
# Shows and refreshes an environment's health: environment-health-check.sh ENVIRONMENT [OPTION...]
CDPATH= cd -- "$(dirname -- "$0")/.." && exec "${TOWPATH:-towpath}" health "$@"
