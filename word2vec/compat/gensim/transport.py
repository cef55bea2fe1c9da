"""Optimal transport between two small distributions, for the Word Mover's Distance (Kusner et al. 2015)."""

import numpy as np
from numpy.typing import NDArray


def transport_cost(supply: NDArray[np.float64], demand: NDArray[np.float64], costs: NDArray[np.float64]) -> float:
    """Return the smallest total cost of moving one distribution to another: a linear program.

    Minimizes the sum of flow_ij cost_ij over flows that are not negative, leave each source i empty and fill each
    target j.

    Args:
        supply: (N,) the amount at each source; sums to 1.
        demand: (M,) the amount needed at each target; sums to 1.
        costs: (N, M) the cost of moving a unit.
    """
    from scipy.optimize import linprog
    from scipy.sparse import eye_array, kron, vstack

    sources, targets = costs.shape
    leaves = kron(eye_array(sources), np.ones((1, targets)))  # (N, N * M): the flows out of each source
    arrives = kron(np.ones((1, sources)), eye_array(targets))  # (M, N * M): the flows into each target
    # subtle: the amounts sum to 1 on both sides, so the last equation follows from the others, and rounding of it
    # could make the program infeasible
    equations = vstack([leaves, arrives], format="csr")[:-1]
    amounts = np.concatenate([supply, demand])[:-1]
    solution = linprog(costs.reshape(-1), A_eq=equations, b_eq=amounts, method="highs")  # type: ignore[call-overload]
    return float(solution.fun)
