"""The package's own plugin, which its tests and those of the example app use."""

pytest_plugins = ["cxfulfill.pytest_plugin", "pytester"]
