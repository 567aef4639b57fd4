namespace Monge.Dynamics;

/// <summary>The coefficients of an explicit Runge-Kutta method, autonomous stages k_i = f(t + c_i h, x + h sum_j a_ij k_j).</summary>
/// <param name="Name">Its name.</param>
/// <param name="Order">Its order.</param>
/// <param name="Nodes">c [s].</param>
/// <param name="Stages">a, row i of length i.</param>
/// <param name="Weights">b [s].</param>
/// <param name="ErrorWeights">b minus the weights of the embedded method [s]; null if there is none.</param>
/// <param name="DenseWeights">
/// d [s] of a solution between the ends of a step that is one order better than the cubic of Hermite p: p(theta) + theta^2 (1 - theta)^2 h sum_i d_i k_i; null
/// if there is none.
/// </param>
public sealed record RungeKuttaTableau(
    string Name, int Order, double[] Nodes, double[][] Stages, double[] Weights, double[]? ErrorWeights = null, double[]? DenseWeights = null)
{
    /// <summary>All methods of this class.</summary>
    public static IReadOnlyList<RungeKuttaTableau> All => [Euler, Heun, RungeKutta4, ThreeEighths, DormandPrince54, Tsitouras54];

    /// <summary>Whether the last stage is the slope at the end of the step, which is the first of the next.</summary>
    public bool IsFirstSameAsLast => Weights[^1] == 0 && Weights.AsSpan(0, Weights.Length - 1).SequenceEqual(Stages[^1]);

    /// <summary>Euler's method, order 1.</summary>
    public static RungeKuttaTableau Euler { get; } = new("Euler", 1, [0], [[]], [1]);

    /// <summary>Heun's method, order 2, with Euler's embedded.</summary>
    public static RungeKuttaTableau Heun { get; } = new("Heun", 2, [0, 1], [[], [1]], [0.5, 0.5], [-0.5, 0.5]);

    /// <summary>The classical method of order 4 (Kutta 1901).</summary>
    public static RungeKuttaTableau RungeKutta4 { get; } = new(
        "Runge-Kutta 4", 4, [0, 0.5, 0.5, 1], [[], [0.5], [0, 0.5], [0, 0, 1]], [1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6]);

    /// <summary>Kutta's other method of order 4, the 3/8 rule (Kutta 1901): what some libraries run under the name of Runge-Kutta 4.</summary>
    public static RungeKuttaTableau ThreeEighths { get; } = new(
        "3/8 rule", 4, [0, 1.0 / 3, 2.0 / 3, 1], [[], [1.0 / 3], [-1.0 / 3, 1], [1, -1, 1]], [1.0 / 8, 3.0 / 8, 3.0 / 8, 1.0 / 8]);

    /// <summary>
    /// Order 5 with an embedded method of order 4 (Dormand and Prince, J. Comput. Appl. Math. 6, 1980), and a solution of order 4 between the ends of a step
    /// (Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, II.6).
    /// </summary>
    public static RungeKuttaTableau DormandPrince54 { get; } = new(
        "Dormand-Prince 5(4)",
        5,
        [0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1],
        [
            [],
            [1.0 / 5],
            [3.0 / 40, 9.0 / 40],
            [44.0 / 45, -56.0 / 15, 32.0 / 9],
            [19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729],
            [9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656],
            [35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84],
        ],
        [35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84, 0],
        [71.0 / 57600, 0, -71.0 / 16695, 71.0 / 1920, -17253.0 / 339200, 22.0 / 525, -1.0 / 40],
        [
            -12715105075.0 / 11282082432, 0, 87487479700.0 / 32700410799, -10690763975.0 / 1880347072, 701980252875.0 / 199316789632, -1453857185.0 / 822651844,
            69997945.0 / 29380423,
        ]);

    /// <summary>Order 5 with an embedded method of order 4 (Tsitouras, Computers and Mathematics with Applications 62, 2011; the published decimals).</summary>
    public static RungeKuttaTableau Tsitouras54 { get; } = new(
        "Tsitouras 5(4)",
        5,
        [0, 0.161, 0.327, 0.9, 0.9800255409045097, 1, 1],
        [
            [],
            [0.161],
            [-0.008480655492356989, 0.335480655492357],
            [2.8971530571054935, -6.359448489975075, 4.3622954328695815],
            [5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525],
            [5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383],
            [0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774],
        ],
        [0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774, 0],
        [-0.00178001105222577714, -0.0008164344596567469, 0.007880878010261995, -0.1447110071732629, 0.5823571654525552, -0.45808210592918697, 1.0 / 66]);
}
