import pytest
from polyglance.training.options import AlignOptions, DistillOptions
from polyglance.training.schedule import Plan, bound


def test_the_rate_rises_in_a_line_and_falls_in_a_cosine():
    plan = Plan(steps=110, warmup=10, learning_rate=1.0, schedule="cosine")
    assert [plan.rate(step) for step in (0, 4, 9)] == [0.1, 0.5, 1.0]
    assert plan.rate(10) == 1.0
    assert plan.rate(60) == pytest.approx(0.5)
    assert plan.rate(110) == pytest.approx(0.0)


@pytest.mark.parametrize(("schedule", "middle"), [("linear", 0.5), ("constant", 1.0)])
def test_other_schedules(schedule, middle):
    assert Plan(100, 0, 1.0, schedule).rate(50) == middle


def test_batch_and_warm_up_are_bounded_by_what_is_there_and_one_line_says_so():
    options, plan, note = bound(DistillOptions(), (36,) * 10, "translations")
    assert (options.batch, options.micro_batch, plan.steps, plan.warmup) == (36, 36, 10, 1)
    assert note == (
        "There are 36 translations and 10 steps: the batch is 36 instead of 1024 and the warm-up is 1 instead of 500."
    )


def test_a_large_set_keeps_the_settings():
    options, plan, note = bound(AlignOptions(), (5_000_000,) * 10, "captions")
    assert (options.batch, plan.warmup, note) == (1024, 2000, "")
    assert plan.steps == 10 * 4883
