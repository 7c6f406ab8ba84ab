# Notifies the device of nothing, for ever.
.include "guest.inc"

image "exit_storm"
1:  notify
    jmp 1b
