from itertools import islice

from local import services


def test_no_port_is_given_twice_before_all_have_been() -> None:
    ports = [services.free_port() for _ in range(500)]
    assert len(set(ports)) == len(ports)
    assert set(ports) <= set(services.PORTS)


def test_ports_come_in_any_order_and_again_once_all_have_come() -> None:
    ports = services.in_any_order(range(20))
    first, second = list(islice(ports, 20)), list(islice(ports, 20))
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != sorted(first)
