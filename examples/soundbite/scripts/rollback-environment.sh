#!/bin/sh
# Puts the release back that served before: rollback-environment.sh ENVIRONMENT [BACK_TO] [OPTION...]
CDPATH= cd -- "$(dirname -- "$0")/.." && exec "${TOWPATH:-towpath}" rollback "$@"
