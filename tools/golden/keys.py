"""The metadata of a file as questions with answers. What nobody asked for is refused: it could change the results."""


class SpecError(ValueError):
    """A file that asks for something the reference does not know."""


class Keys:
    """`meta`: GGUF key -> value. In the keys asked for, ARCH stands for the file's architecture."""

    def __init__(self, meta):
        self.meta, self.arch, self._asked = meta, meta.get("general.architecture"), set()

    def _full(self, key):
        key = key.replace("ARCH.", f"{self.arch}.")
        self._asked.add(key)
        return key

    def get(self, key, default=None):
        return self.meta.get(self._full(key), default)

    def need(self, key):
        value = self.get(key)
        if value is None:
            raise SpecError(f"{self._full(key)} is missing")
        return value

    def choice(self, key, default, allowed):
        value = self.get(key, default)
        if value not in allowed:
            raise SpecError(f"{self._full(key)} = {value}: only {', '.join(allowed)} are known")
        return value

    def any_below(self, prefix):
        return any(key.startswith(prefix.replace("ARCH.", f"{self.arch}.")) for key in self.meta)

    def refuse_the_rest(self):
        """Call when everything was asked for."""
        prefixes = ("gyre.", f"{self.arch}.rope.", f"{self.arch}.attention.")
        rest = [key for key in self.meta if key.startswith(prefixes) and key not in self._asked]
        if rest:
            raise SpecError(f"keys that mean nothing here: {', '.join(rest)}")
