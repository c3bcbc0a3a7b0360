"""The floor that every feature stands on: where things run, what they are called, and what AWS answers."""
