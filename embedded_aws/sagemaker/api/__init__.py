"""The control plane: what each operation takes, refuses and answers."""
