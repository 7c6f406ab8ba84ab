# An exit frame comes first (SPEC C6.2).
.include "guest.inc"

bare_image "exit_without_ready"
    call connect
    exit
