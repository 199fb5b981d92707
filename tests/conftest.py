"""What all tests share: the package's own plugin, and generated examples that no clock has a say in."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["cxfulfill.pytest_plugin", "pytester"]

settings.register_profile(
    "without-clock", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("without-clock")
