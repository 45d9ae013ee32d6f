"""What is said when something is not done: what, why, and what to do about it."""


class Refusal(Exception):
    def __init__(self, what: str, why: str, do: str):
        super().__init__(f"{what}: {why}.\n  Do: {do}")
