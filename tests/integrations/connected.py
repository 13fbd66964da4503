"""A stand-in for a session of Spark Connect."""


class Connected:
    """Stands for a session of Spark Connect, which has settings and no context."""

    __module__ = "pyspark.sql.connect.session"

    def __init__(self, **settings: str):
        self.conf = {name.replace("_", "."): value for name, value in settings.items()}
