using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Engine.Tests.Programs;

/// <summary>
/// Random programs that are smooth and of moderate size: what the tile machine and the derivative rules are tried on. Each follows from a row of choices, drawn
/// from a seed or given; fewer choices make a smaller program.
/// </summary>
internal sealed class RandomPrograms
{
    private readonly RandomStream _random;
    private readonly Func<int, int> _choose;
    private readonly List<Expr> _pool = [];

    public RandomPrograms(ulong seed, bool smooth = false)
        : this(new RandomStream(seed, 77), null, smooth)
    {
        var count = 6 + _choose(14);
        for (var i = 0; i < count; i++)
        {
            _pool.Add(Next());
        }
    }

    /// <summary>The program of a row of choices: shapes first, then operations until the choices are used up.</summary>
    public RandomPrograms(Choices choices)
        : this(new RandomStream(choices.Seed, 77), choices.Next, false)
    {
        while (!choices.AreUsedUp)
        {
            _pool.Add(Next());
        }
    }

    private RandomPrograms(RandomStream random, Func<int, int>? choose, bool smooth)
    {
        _random = random;
        _choose = choose ?? random.NextInt;
        Smooth = smooth;
        Dimension = 1 + _choose(5);
        X = Expr.Input("x", Dimension);
        Matrix = Expr.Input("a", 1 + _choose(3), 1 + _choose(4));
        Time = Expr.Input("t");
        Shared = Expr.Shared("s", 1 + _choose(3));
        _pool.AddRange([X, X, X, Matrix, Time, Shared]);
        for (var i = 0; i < 2; i++)
        {
            _pool.Add(Parameters.Add($"p{i}", 1 + _choose(4), 1 + _choose(4)));
        }

        _pool.Add(Parameters.Add("v", 1 + _choose(4)));
    }

    public bool Smooth { get; }

    public int Dimension { get; }

    public Expr X { get; }

    public Expr Matrix { get; }

    public Expr Time { get; }

    public Expr Shared { get; }

    public ParameterSet Parameters { get; } = new();

    /// <summary>A scalar that depends on the position.</summary>
    public Expr Scalar()
    {
        Expr sum = 0;
        foreach (var value in _pool.TakeLast(4))
        {
            sum += (value * 0.7).Tanh().Sum() / Math.Sqrt(value.Size);
        }

        return sum + 0.3 * (X * Pick(e => e.Shape == X.Shape)).Sum().Sin();
    }

    /// <summary>A vector field on the position's space.</summary>
    public Expr Field()
    {
        var w = Parameters.Add("field", Dimension, Dimension + 1);
        var hidden = Expr.MatrixProduct(w, Expr.Concat(0, X, Time.Reshape(1))).Tanh();
        return hidden + Scalar() * X.Sin();
    }

    public Expr Last => _pool[^1];

    /// <summary>The last operations in words, each with what it acts on.</summary>
    public string Describe() => string.Join("; ", _pool.TakeLast(4).Select(Text));

    private static string Text(Expr e) => e.Inputs.Count == 0 ? $"{e}" : $"{e}({string.Join(", ", e.Inputs.Select(Text))})";

    /// <summary>Values for the inputs of n samples and the parameters.</summary>
    public (Dictionary<string, double[]> Inputs, double[] Parameters) Values(int samples)
    {
        double[] Normals(int n) => [.. Enumerable.Range(0, n).Select(_ => 0.8 * _random.NextNormal())];
        return (new Dictionary<string, double[]>
        {
            ["x"] = Normals(samples * X.Size),
            ["a"] = Normals(samples * Matrix.Size),
            ["t"] = Normals(samples),
            ["s"] = Normals(Shared.Size),
        }, Normals(Parameters.Count));
    }

    private Expr Pick(Func<Expr, bool> fits)
    {
        var candidates = _pool.Where(fits).ToList();
        return candidates[_choose(candidates.Count)];
    }

    private Expr Any() => Pick(_ => true);

    private Expr Next()
    {
        var e = Any();
        var choice = _choose(42);
        if (choice >= 36)
        {
            return View(View(e));
        }

        // A jump lies where no formula is by nature: log(1 + e^2) is zero in float32 where e is small.
        var made = choice switch
        {
            0 => Combine(e, (a, b) => a + b),
            1 => Combine(e, (a, b) => a - b),
            2 or 3 => Combine(e, (a, b) => a * b),
            4 => Combine(e, (a, b) => a / (b.Square() + 1)),
            5 => e.Tanh(),
            6 => (0.5 * e.Clamp(-3, 3)).Exp(),
            7 => (e.Square() + 1).Log(),
            8 => e.Sin() + e.Cos(),
            9 => e.Sigmoid() * e.Softplus(),
            10 => (e.Square() + 0.5).Sqrt(),
            11 => e.Silu() + 0.1 * e.Gelu(),
            12 => e.Erf() - (0.3 * (Smooth ? e.Square() : e.Abs()) + 1.5).LogGamma(),
            13 => Smooth ? e.Square().Log1p() : Expr.Max(e, 0.3 * e.Square()) + Expr.Min(e, 0.2).Abs() + (e + 0.05).Sign(),
            14 => (0.3 * e.Tanh()).Expm1() + (0.5 + e.Square()).Pow(1.3),
            15 => Combine(e, (a, b) => Expr.Atan2(a, b.Square() + 0.6)),
            16 => Smooth ? e.Softplus() : Expr.Select(e.Less(0.1), e.Sin(), e * 0.5) + e.LessOrEqual(0.3) * e.Wrap(1.7),
            17 or 18 => e.Shape.Rank > 0 ? e.Sum(_choose(e.Shape.Rank)) : e.Square(),
            19 => e.Shape.Rank > 0 ? e.LogSumExp(_choose(e.Shape.Rank)) : e,
            20 => e.Shape.Rank > 0 ? e.Softmax(_choose(e.Shape.Rank)) : e,
            21 => e.Shape.Rank > 0 ? e.CumulativeSum(_choose(e.Shape.Rank), _choose(2) == 0) : e,
            22 => e.Shape.Rank > 0 ? (0.3 * e.Tanh() + 1).Product(_choose(e.Shape.Rank)) : e,
            23 or 24 or 25 => Product(e),
            26 => e.Transpose() * 0.9,
            27 => e.Shape.Rank > 0 ? Rearrange(e) : e.Reshape(1, 1),
            30 or 31 or 32 => SquareMatrix(e),
            33 => Gram(e),
            34 or 35 => Loop(e),
            28 => e.Shape.Rank > 0 ? Expr.Concat(e.Shape.Rank - 1, e, e.Square(), 0.5 * e) : Expr.Vector(e, e.Square()),
            _ => (Smooth ? e : e.StopGradient()) * 0.1 + e.Mean(),
        };

        // Bounded, so that programs stay well posed however long they are.
        return made.Size > 200 ? made.Sum().Tanh() : _choose(3) == 0 ? made.Tanh() * 2 : made / (1 + 0.05 * made.Square().Mean());
    }

    private Expr Combine(Expr left, Func<Expr, Expr, Expr> join)
    {
        var partners = _pool.Where(p => Broadcasts(left.Shape, p.Shape)).ToList();
        return join(left, partners[_choose(partners.Count)]);
    }

    private static bool Broadcasts(Shape a, Shape b)
    {
        for (var axis = 1; axis <= Math.Min(a.Rank, b.Rank); axis++)
        {
            var (p, q) = (a[a.Rank - axis], b[b.Rank - axis]);
            if (p != q && p != 1 && q != 1)
            {
                return false;
            }
        }

        return true;
    }

    private Expr Product(Expr e)
    {
        if (e.Shape.Rank is 0 or > 2)
        {
            return e.Shape.Rank == 0 ? e * 0.5 : Expr.MatrixProduct(e, e.Transpose(0, 2, 1)) * 0.3;
        }

        var right = e.Shape.Rank == 1 ? e.Reshape(e.Size, 1) : e;
        var lefts = _pool.Where(p => p.Shape.Rank == 2 && p.Shape[1] == right.Shape[0]).ToList();
        return lefts.Count > 0
            ? Expr.MatrixProduct(lefts[_choose(lefts.Count)], right) * 0.5
            : Expr.MatrixProduct(right.Transpose(), right * 0.5);
    }

    // Operations on a positive definite matrix A of up to four rows, not quite symmetric, whose eigenvalues stay apart.
    private Expr SquareMatrix(Expr e)
    {
        var wide = e.Reshape(1, e.Size);
        var m = (e.Shape.Rank == 2 && e.Shape[0] is > 1 and < 5 ? e : Expr.MatrixProduct(Expr.Constant([1, -0.5, 0.3], 3, 1), wide)).Tanh();
        var n = m.Shape[0];
        double[] start = [.. Enumerable.Range(0, n * n).Select(i => i / n == i % n ? 1 + (1.5 * (i / n)) : i / n < i % n ? 0.1 : 0)];
        var a = (0.35 / m.Shape[1] * Expr.MatrixProduct(m, m.Transpose())) + Expr.Constant(start, n, n);
        switch (_choose(7))
        {
            case 0:
                return a.Cholesky();
            case 1:
                return a.LogDeterminant();
            case 2:
                return a.InversePositiveDefinite();
            case 3:
                return a.SolvePositiveDefinite(m);
            case 4:
                return a.SolveTriangular(m, _choose(2) == 0);
            case 5:
                return a.SolvePositiveDefinite(m.Slice(1, 0, 1).Reshape(n));
            default:
                var (values, vectors) = a.SymmetricEigen();
                return _choose(2) == 0 ? values.Log() : Expr.Concat(0, values.Reshape(1, n), vectors);
        }
    }

    // With or without weights, of a matrix or a stack, as it stands or turned; its rows, or what else has their shape, are the weights.
    private Expr Gram(Expr e)
    {
        var a = e.Shape.Rank is 2 or 3 ? e : e.Reshape(1, e.Size);
        a = _choose(2) == 0 ? a : a.Shape.Rank == 2 ? a.Transpose() : a.Transpose(0, 2, 1);
        a = a.Shape[^1] > 8 ? a.Slice(-1, 0, 8) : a;
        var weights = _pool.Where(p => p.Shape == a.Shape[..^1]).Append(a.Sum(-1)).ToList();
        return 0.3 * (_choose(3) == 0 ? a.Gram() : a.Gram(weights[_choose(weights.Count)].Tanh()));
    }

    // A loop over the rows that forgets its start, with what is carried, read and the same for all steps mixed; now and then one that is cut into stretches, or
    // has a loop inside.
    private Expr Loop(Expr e)
    {
        var rows = e.Shape.Rank == 0 ? e.Reshape(1) : e;
        rows = _choose(4) == 0 ? rows.Gather(0, [.. Enumerable.Range(0, 65 + _choose(8)).Select(k => k % rows.Shape[0])]) : rows;
        var (row, kind) = (rows.Shape[1..], _choose(5));
        var held = _pool.Where(p => p.Size == 1 || p.Shape == row).Select(p => p.Size == 1 ? p.Reshape() : p).Append(0.35).ToList();
        var (start, other) = (held[_choose(held.Count)].Tanh(), held[_choose(held.Count)].Tanh());
        var weights = rows.Shape[0] < 6
            ? Expr.Constant([.. Enumerable.Range(1, rows.Shape[0]).Select(k => 1.0 / k)], rows.Shape[0]) : rows.Mean(-1).Sum() * 0.1;
        var result = Expr.Scan(
            rows.Shape[0], [start.BroadcastTo(row), other.Sum()], [rows, rows * 0.5], (carried, read) =>
        {
            var (c, total) = (carried[0], carried[1]);
            var next = kind switch
            {
                0 => ((0.6 * c) + read[0]).Tanh(),
                1 => (0.5 * c) + (read[1] * other).Sin(),
                2 => (0.4 * c) + Expr.Fold(total * 0.2, weights.Reshape(weights.Size), (inner, w) => (inner + w).Tanh() * (1 + (0.1 * read[0].Sum().Tanh()))),
                3 => c,
                _ => (0.6 * c * total.Tanh()).Sin() + (0.3 * read[0].Tanh()),
            };
            return new ScanStep([next, (0.7 * total) + (0.3 * (c * read[1].Tanh()).Mean())], kind == 3 ? [c + read[1]] : [next * read[0], total, start]);
        });
        return _choose(3) switch
        {
            0 => result.Outputs[0],
            1 => result.Last[1] + result.Outputs[^1].Mean(),
            _ => result.Last[0] * 0.5 + result.Outputs[0].Mean(0),
        };
    }

    // Left bare, so that several readers see through it, some of which need it as a value of its own.
    private Expr View(Expr e) => _choose(5) switch
    {
        0 => e.Transpose(),
        1 => e.Reshape(e.Size),
        2 when e.Size % 2 == 0 => e.Reshape(2, e.Size / 2),
        3 when e.Size <= 40 => e.Reshape(e.Size, 1).BroadcastTo(new Shape(e.Size, 2)),
        4 when e.Size <= 40 && e.Shape.Rank < 3 => e.BroadcastTo(new Shape([2, .. e.Shape.Sizes])),
        _ => e.Reshape(1, e.Size),
    };

    private Expr Rearrange(Expr e)
    {
        var axis = _choose(e.Shape.Rank);
        var n = e.Shape[axis];
        return _choose(4) switch
        {
            0 => e.Gather(axis, [.. Enumerable.Range(0, 1 + _choose(4)).Select(_ => _choose(n))]),
            1 => e.Pad(axis, 1, _choose(2)),
            2 => e.Slice(axis, _choose(n), 1) + e,
            _ => e.Reshape(e.Size),
        };
    }
}

/// <summary>A row of choices; beyond its end every choice is the first.</summary>
internal sealed class Choices(byte[] values)
{
    private int _used;

    /// <summary>A seed of the values that go into the program.</summary>
    public ulong Seed => values.Aggregate(17UL, (hash, value) => (hash * 31) + value);

    public bool AreUsedUp => _used >= values.Length;

    public int Next(int count) => AreUsedUp ? 0 : values[_used++] % count;
}
