# Halts for ever, though there is input, with no buffer that could take it.
.include "guest.inc"

image "halt_for_ever"
    call open_port
    jmp rest
