using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.References;
using Monge.Testing;

namespace Monge.Tests.References;

public sealed class FiniteVolumePlaneTests
{
    [Theory]
    [InlineData(DriftTreatment.ExponentialFitting)]
    [InlineData(DriftTreatment.Remap)]
    public void A_spiralling_Gaussian_is_met_with_order_two(DriftTreatment treatment)
    {
        // dX = (A X + (cos 3t, 0)) dt + sqrt(2 D) dW with a rotation in A: no gradient. Cells and steps are halved together.
        var (coarse, middle, fine) = (SpiralError(32, 8, treatment), SpiralError(64, 16, treatment), SpiralError(128, 32, treatment));
        Assert.InRange(Math.Log2(middle / fine), 1.85, 2.2);
        Assert.InRange(Math.Log2(coarse / middle), 1.7, 2.5);
        Assert.InRange(fine, 0, 0.01);
    }

    [Fact]
    public void The_law_of_a_potential_is_stationary_to_rounding()
    {
        var (first, second) = (new CellAxis(-2.2, 2.2, 60), new CellAxis(0, 2 * Math.PI, 50, true));
        static double Potential(double x, double y) => Math.Pow((x * x) - 1, 2) + (0.5 * x * Math.Cos(y));
        using var solver = new FiniteVolumePlane(first, second, null, 0.3, 0.3, Potential);
        var law = new PlaneDensity(first, second, (x, y) => Math.Exp(-Potential(x, y) / 0.3));
        var carried = law.Copy();
        solver.Advance(carried, 0, 5, 50);
        Assert.All(Enumerable.Range(0, law.Values.Length), k => Assert.Equal(1, carried.Values[k] / law.Values[k], 1e-12));
        Assert.InRange(solver.EntropyProduction(law, 0), -1e-12, 1e-12);
        var (along, across) = solver.Currents(law, 0);
        Assert.InRange(along.Concat(across).Max(Math.Abs), 0, 1e-12);
    }

    [Theory]
    [InlineData(0.5, FiniteVolumeScheme.SecondOrder)]
    [InlineData(0.5, FiniteVolumeScheme.BackwardEuler)]
    [InlineData(0, FiniteVolumeScheme.SecondOrder)]
    public void Mass_and_positivity_hold_at_a_hundred_times_the_explicit_limit(double secondDiffusion, FiniteVolumeScheme scheme)
    {
        var (first, second) = (new CellAxis(-3, 3, 60), new CellAxis(-3, 3, 50));
        var drift = new FormulaField(2, (x, t) => Expr.Vector((2 * x[1]) - x[0] + t.Sin(), (-2 * x[0]) - (x[1] * x[1] * x[1])));
        using var solver = new FiniteVolumePlane(first, second, drift, 0.5, secondDiffusion, options: new() { Scheme = scheme });
        var density = new PlaneDensity(first, second);
        density.Values[(20 * 50) + 20] = 1 / density.CellArea;
        var step = 100 * first.Width * first.Width / (2 * 0.5);
        for (var k = 0; k < 60; k++)
        {
            solver.Advance(density, k * step, (k + 1) * step, 1);
            Assert.True(density.Values.Min() >= 0, $"step {k}: {density.Values.Min()}");
        }

        Assert.Equal(1, density.Mass, 1e-12);
    }

    [Fact]
    public void A_wave_on_the_torus_is_carried_and_decays()
    {
        // rho = 1 + cos(x - c1 t + 2 (y - c2 t)) exp(-(D1 + 4 D2) t) / 2 under a constant drift c; x has no diffusion.
        const double speed = 1.3, rise = -0.6, diffusion = 0.1, time = 0.8;
        static double Wave(double x, double y, double t) =>
            1 + (0.5 * Math.Cos(x - (speed * t) + (2 * (y - (rise * t)))) * Math.Exp(-4 * diffusion * t));
        double Error(int cells)
        {
            var axis = new CellAxis(0, 2 * Math.PI, cells, true);
            using var solver = new FiniteVolumePlane(axis, axis, new FormulaField(2, (_, _) => Expr.Constant([speed, rise], 2)), 0, diffusion);
            var density = new PlaneDensity(axis, axis, (x, y) => Wave(x, y, 0));
            solver.Advance(density, 0, time, cells / 4);
            var exact = new PlaneDensity(axis, axis, (x, y) => Wave(x, y, time));
            return density.Values.Zip(exact.Values, (a, b) => Math.Abs(a - b)).Average() * 4 * Math.PI * Math.PI;
        }

        var (coarse, fine) = (Error(64), Error(128));
        Assert.InRange(Math.Log2(coarse / fine), 1.7, 2.4);
        Assert.InRange(fine, 0, 0.005);
    }

    [Fact]
    public void Turning_without_a_gradient_leaves_a_current_and_produces_entropy()
    {
        // dX = (-X + w K X) dt + sqrt(2 D) dW, K a quarter turn: N(0, D) with the current w K x rho and production w^2 E|x|^2 / D = 2 w^2.
        var axis = new CellAxis(-5, 5, 100);
        using var solver = new FiniteVolumePlane(
            axis, axis, new FormulaField(2, (x, _) => Expr.Vector(-x[0] - (1.5 * x[1]), (1.5 * x[0]) - x[1])), 0.7, 0.7);
        var result = solver.Stationary(new PlaneDensity(axis, axis, (x, y) => Math.Exp(-(x * x) - ((y - 1) * (y - 1)))), 0.02, 1e-7);
        Assert.True(result.Status.IsSuccess, result.Status.Message);
        Assert.InRange(result.Distance, 0, 1e-7);
        Assert.Equal(2 * 1.5 * 1.5, solver.EntropyProduction(result.Density, 0), 0.02);
        Assert.Equal(1 + Math.Log(2 * Math.PI * 0.7), result.Density.Entropy, 4e-3);
        var (along, across) = solver.Currents(result.Density, 0);
        for (var i = 40; i < 60; i++)
        {
            var k = (i * 100) + 62;
            var (x, y) = (axis.Centre(i), axis.Centre(62));
            var law = Math.Exp(-((x * x) + (y * y)) / 1.4) / (2 * Math.PI * 0.7);
            Assert.Equal(-1.5 * y * law, along[k], 4e-3);
            Assert.Equal(1.5 * x * law, across[k], 4e-3);
        }

        var stopped = solver.Stationary(new PlaneDensity(axis, axis, (x, y) => Math.Exp(-(x * x) - ((y - 1) * (y - 1)))), 0.02, 1e-7, 32);
        Assert.Equal(StatusCode.NotConverged, stopped.Status.Code);
    }

    [Fact]
    public void The_active_swimmer_settles_to_its_known_moments()
    {
        // dx = (-x^3 + v) dt, dv = -g v dt + sqrt(2 g) dW, g = 0.1: E x^2 = .7259 +- .0007 by a long run of the SDE, .7273 on finer and finer cells; E v^2 = 1,
        // E x^4 = E xv and E x^3 v = 1 - g E xv exactly.
        const double friction = 0.1;
        var (position, velocity) = (new CellAxis(-2.4, 2.4, 120), new CellAxis(-5, 5, 80));
        var drift = new FormulaField(2, (x, _) => Expr.Vector(x[1] - (x[0] * x[0] * x[0]), -friction * x[1]));
        using var solver = new FiniteVolumePlane(position, velocity, drift, 0, friction);
        var start = new PlaneDensity(position, velocity, (x, v) => Math.Exp(-0.5 * ((x * x) + (v * v))));
        var result = solver.Stationary(start, 0.1, 1e-4);
        Assert.True(result.Status.IsSuccess, result.Status.Message);
        var law = result.Density;
        Assert.Equal(0.7259, law.Expectation((x, _) => x * x), 0.0073);
        Assert.Equal(1, law.Expectation((_, v) => v * v), 0.01);
        Assert.Equal(0.7273, law.Expectation((x, _) => x * x), 0.002);
        var product = law.Expectation((x, v) => x * v);
        Assert.Equal(product, law.Expectation((x, _) => x * x * x * x), 0.003);
        Assert.Equal(1 - (friction * product), law.Expectation((x, v) => x * x * x * v), 0.003);
        Assert.Equal(3, law.SecondMarginal().Expectation(v => v * v * v * v), 0.03);
        Assert.Equal(1, law.Mass, 1e-12);
    }

    [Fact]
    public void Swirling_wells_have_their_entropy_and_entropy_production()
    {
        // dX = -grad U + K grad U + noise, U = (x^2 - 1)^2 + y^2 / 2, eps = 1/2, from N((-1/2, 0), I/4). Per copy; the figures are of five independent ones.
        var (first, second) = (new CellAxis(-2.3, 2.3, 92), new CellAxis(-4, 4, 80));
        var swirl = new FormulaField(2, (x, _) =>
        {
            var (slope, rise) = (4 * x[0] * (x[0].Square() - 1), x[1]);
            return Expr.Vector(-slope - rise, slope - rise);
        });
        using var solver = new FiniteVolumePlane(first, second, swirl, 0.5, 0.5);
        var density = new PlaneDensity(first, second, (x, y) => Math.Exp(-2 * (((x + 0.5) * (x + 0.5)) + (y * y))));
        solver.Advance(density, 0, 1, 200);
        Assert.Equal(9.068, 5 * density.Entropy, 0.09);
        Assert.Equal(37.21, 5 * solver.EntropyProduction(density, 1), 0.37);
        solver.Advance(density, 1, 20, 600);
        Assert.Equal(9.812, 5 * density.Entropy, 0.098);
        Assert.Equal(36.13, 5 * solver.EntropyProduction(density, 20), 0.36);
        Assert.Equal(1, density.Mass, 1e-12);
    }

    [Fact]
    public void Steps_allocate_nothing()
    {
        var axis = new CellAxis(-3, 3, 30);
        var drift = new FormulaField(2, (x, t) => Expr.Vector(x[1] - (t * x[0]), -x[0]));
        using var solver = new FiniteVolumePlane(axis, axis, drift, 0.2, 0, options: new() { Threads = 1 });
        var density = new PlaneDensity(axis, axis, (x, y) => Math.Exp(-(x * x) - (y * y)));
        Assert.Equal(Bytes(10), Bytes(100));

        long Bytes(int steps) => Allocation.Least(() => solver.Advance(density, 0, 0.1, steps));
    }

    [Fact]
    public void Results_are_the_same_for_any_number_of_threads()
    {
        var axis = new CellAxis(-3, 3, 37);
        double[] Run(int threads)
        {
            var drift = new FormulaField(2, (x, t) => Expr.Vector(x[1] - (t * x[0]), -x[0]));
            using var solver = new FiniteVolumePlane(axis, axis, drift, 0.2, 0, options: new() { Threads = threads });
            var density = new PlaneDensity(axis, axis, (x, y) => Math.Exp(-(x * x) - ((y - 1) * (y - 1))));
            solver.Advance(density, 0, 1, 10);
            return density.Values;
        }

        Assert.Equal(Run(1), Run(3));
    }

    [Fact]
    public void A_density_has_its_marginals_values_and_evidence()
    {
        var (first, second) = (new CellAxis(-6, 6, 120), new CellAxis(-5, 7, 100));
        var density = new PlaneDensity(first, second, (x, y) => 3 * Math.Exp(-0.5 * ((x * x) + ((y - 1) * (y - 1) / 0.5))));
        Assert.Equal(1, density.Mass, 1e-12);
        Assert.Equal(1, density.FirstMarginal().Variance, 1e-6);
        Assert.Equal(1, density.SecondMarginal().Mean, 1e-8);
        Assert.Equal(0.5, density.SecondMarginal().Variance, 1e-6);
        Assert.Equal(1 + Math.Log(2 * Math.PI) + (0.5 * Math.Log(0.5)), density.Entropy, 1e-6);
        Assert.Equal(1, density.Expectation((x, y) => (x * x) + (x * y)), 1e-6);
        Assert.Equal(Math.Exp(-0.5 * ((0.33 * 0.33) + (0.0324 / 0.5))) / (2 * Math.PI * Math.Sqrt(0.5)), density.At(0.33, 1.18), 2e-3);
        Assert.Equal(0, density.At(6.1, 0));
        Assert.Equal(0, density.At(0, double.NaN));
        for (var k = 0; k < density.Values.Length; k++)
        {
            density.Values[k] *= 2;
        }

        Assert.Equal(2, density.Normalise(), 1e-12);
    }

    [Fact]
    public void Bad_input_is_named()
    {
        var axis = new CellAxis(-1, 1, 10);
        var drift = new FormulaField(2, (x, _) => -x);
        Assert.Contains("R^3", Assert.Throws<ArgumentException>(() => new FiniteVolumePlane(axis, axis, new FormulaField(3, (x, _) => -x), 1, 1)).Message);
        Assert.Contains("coordinate 1 is -2", Assert.Throws<ArgumentException>(() => new FiniteVolumePlane(axis, axis, drift, 1, -2)).Message);
        using var solver = new FiniteVolumePlane(axis, axis, drift, 1, 1);
        var density = new PlaneDensity(axis, axis, (_, _) => 1);
        Assert.Contains("ascend", Assert.Throws<ArgumentException>(() => solver.Advance(density, 0, double.NaN, 5)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => solver.Stationary(density, 0));
        var other = new PlaneDensity(axis, new CellAxis(-1, 1, 11), (_, _) => 1);
        Assert.Contains("other cells", Assert.Throws<ArgumentException>(() => solver.Advance(other, 0, 1, 1)).Message);
        density.Values[25] = -1;
        Assert.Contains("cell at (-0.5, 0.1)", Assert.Throws<ArithmeticException>(() => solver.Advance(density, 0, 1, 1)).Message);
    }

    // The sum of |rho - exact| area at t = 1 against the Gaussian whose moments obey dm/dt = A m + (cos 3t, 0), dC/dt = A C + C A^T + 2 D.
    private static double SpiralError(int cells, int steps, DriftTreatment treatment)
    {
        var axis = new CellAxis(-5, 5, cells);
        var drift = new FormulaField(2, (x, t) => Expr.Vector((3 * t).Cos() - (0.5 * x[0]) - (2 * x[1]), (2 * x[0]) - (0.8 * x[1])));
        using var solver = new FiniteVolumePlane(axis, axis, drift, 0.3, 0.5, options: new() { Drift = treatment });
        double[] moments = [1, 0.5, 0.5, 0, 0.5];
        var density = Gaussian(axis, moments);
        solver.Advance(density, 0, 1, steps);
        new HostOde(RungeKuttaTableau.DormandPrince54, 5, (t, y, slope) =>
        {
            (slope[0], slope[1]) = (Math.Cos(3 * t) - (0.5 * y[0]) - (2 * y[1]), (2 * y[0]) - (0.8 * y[1]));
            slope[2] = (2 * ((-0.5 * y[2]) - (2 * y[3]))) + 0.6;
            slope[3] = (-1.3 * y[3]) - (2 * y[4]) + (2 * y[2]);
            slope[4] = (2 * ((2 * y[3]) - (0.8 * y[4]))) + 1;
        }).RunAdaptive(moments, 0, 1);
        return density.Values.Zip(Gaussian(axis, moments).Values, (a, b) => Math.Abs(a - b)).Sum() * density.CellArea;
    }

    private static PlaneDensity Gaussian(CellAxis axis, double[] moments)
    {
        var (a, b, c) = (moments[2], moments[3], moments[4]);
        var determinant = (a * c) - (b * b);
        return new PlaneDensity(axis, axis, (x, y) =>
        {
            var (u, v) = (x - moments[0], y - moments[1]);
            return Math.Exp(-0.5 * ((c * u * u) - (2 * b * u * v) + (a * v * v)) / determinant);
        });
    }
}
