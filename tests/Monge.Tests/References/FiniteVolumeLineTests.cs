using Monge.Fields;
using Monge.References;
using Monge.Testing;

namespace Monge.Tests.References;

public sealed class FiniteVolumeLineTests
{
    private static readonly FiniteVolumeOptions s_euler = new() { Scheme = FiniteVolumeScheme.BackwardEuler };

    private static readonly FormulaField s_pull = new(1, (x, _) => -x);

    [Fact]
    public void An_Ornstein_Uhlenbeck_law_is_met_with_order_two_in_the_width()
    {
        var (coarse, fine) = (OrnsteinUhlenbeckError(80, 2000, new()), OrnsteinUhlenbeckError(160, 2000, new()));
        Assert.InRange(Math.Log2(coarse / fine), 1.9, 2.1);
        Assert.InRange(fine, 0, 2e-3);
    }

    [Theory]
    [InlineData(FiniteVolumeScheme.SecondOrder, 2)]
    [InlineData(FiniteVolumeScheme.BackwardEuler, 1)]
    public void Schemes_have_their_order_in_the_step(FiniteVolumeScheme scheme, int order)
    {
        // The drift -x + cos 3t depends on time: d mean/dt = -mean + cos 3t.
        var axis = new CellAxis(-6, 6, 200);
        using var solver = new FiniteVolumeLine(axis, new FormulaField(1, (x, t) => (3 * t).Cos() - x), 0.4, options: new() { Scheme = scheme });
        LineDensity Run(int steps)
        {
            var density = new LineDensity(axis, x => Normal(x, 1, 0.3));
            solver.Advance(density, 0, 1, steps);
            return density;
        }

        var exact = Run(2560);
        var (coarse, fine) = (Difference(Run(20), exact), Difference(Run(40), exact));
        Assert.InRange(Math.Log2(coarse / fine), order - 0.15, order + 0.15);
        var mean = (0.9 * Math.Exp(-1)) + ((Math.Cos(3) + (3 * Math.Sin(3))) / 10);
        Assert.Equal(mean, exact.Mean, 3e-3);
    }

    [Theory]
    [InlineData(false, FiniteVolumeScheme.SecondOrder)]
    [InlineData(false, FiniteVolumeScheme.BackwardEuler)]
    [InlineData(true, FiniteVolumeScheme.SecondOrder)]
    public void The_law_of_a_potential_is_stationary_to_rounding(bool isPeriodic, FiniteVolumeScheme scheme)
    {
        // Between walls a double well, on a ring three wells of different depth.
        var axis = isPeriodic ? new CellAxis(0, 2 * Math.PI, 90, true) : new CellAxis(-2.2, 2.2, 120);
        Func<double, double> potential = isPeriodic ? x => Math.Cos(3 * x) + (0.5 * Math.Sin(x)) : x => Math.Pow((x * x) - 1, 2) + (0.1 * x);
        using var solver = new FiniteVolumeLine(axis, null, 0.2, potential, new() { Scheme = scheme });
        var law = new LineDensity(axis, x => Math.Exp(-potential(x) / 0.2));
        var carried = law.Copy();
        solver.Advance(carried, 0, 20, 100);
        var found = solver.Stationary();
        for (var i = 0; i < axis.Cells; i++)
        {
            Assert.Equal(1, carried.Values[i] / law.Values[i], 1e-12);
            Assert.Equal(1, found.Values[i] / law.Values[i], 1e-12);
        }

        Assert.InRange(solver.Currents(law, 0).Max(Math.Abs), 0, 1e-13);
        Assert.InRange(solver.EntropyProduction(law, 0), -1e-13, 1e-13);
    }

    [Fact]
    public void A_barrier_of_sixty_temperatures_does_not_hide_the_weights_of_the_wells()
    {
        var axis = new CellAxis(-2, 2, 200);
        static double Potential(double x) => (6 * Math.Pow((x * x) - 1, 2)) + (0.05 * x);
        using var solver = new FiniteVolumeLine(axis, null, 0.1, Potential);
        var (found, law) = (solver.Stationary(), new LineDensity(axis, x => Math.Exp(-Potential(x) / 0.1)));
        Assert.All(Enumerable.Range(0, axis.Cells), i => Assert.Equal(1, found.Values[i] / law.Values[i], 1e-11));
    }

    [Theory]
    [InlineData(false, FiniteVolumeScheme.SecondOrder, DriftTreatment.ExponentialFitting)]
    [InlineData(false, FiniteVolumeScheme.BackwardEuler, DriftTreatment.ExponentialFitting)]
    [InlineData(true, FiniteVolumeScheme.SecondOrder, DriftTreatment.ExponentialFitting)]
    [InlineData(true, FiniteVolumeScheme.BackwardEuler, DriftTreatment.ExponentialFitting)]
    [InlineData(false, FiniteVolumeScheme.SecondOrder, DriftTreatment.Remap)]
    [InlineData(true, FiniteVolumeScheme.SecondOrder, DriftTreatment.Remap)]
    public void Mass_and_positivity_hold_at_a_hundred_times_the_explicit_limit(bool isPeriodic, FiniteVolumeScheme scheme, DriftTreatment treatment)
    {
        // All mass in one cell: TR-BDF2 alone turns negative.
        var axis = new CellAxis(-3, 3, 150, isPeriodic);
        using var solver = new FiniteVolumeLine(
            axis, new FormulaField(1, (x, t) => ((2 * x) + t).Sin() * 3), 0.7, options: new() { Scheme = scheme, Drift = treatment });
        var density = new LineDensity(axis);
        density.Values[70] = 1 / axis.Width;
        var step = 100 * axis.Width * axis.Width / (2 * 0.7);
        for (var k = 0; k < 200; k++)
        {
            solver.Advance(density, k * step, (k + 1) * step, 1);
            Assert.True(density.Values.Min() >= 0, $"step {k}: {density.Values.Min()}");
        }

        Assert.Equal(1, density.Mass, 1e-12);
        Assert.True(density.Values.Min() > 0);
    }

    [Fact]
    public void The_current_on_a_tilted_ring_is_that_of_Stratonovich()
    {
        // J = D (1 - exp(-F L / D)) / int_0^L dx int_x^(x + L) dy exp((V(y) - V(x)) / D), V = U - F x (Risken, The Fokker-Planck Equation, section 11.3).
        const double force = 0.7, diffusion = 0.5, length = 2 * Math.PI;
        var axis = new CellAxis(0, length, 400, true);
        using var solver = new FiniteVolumeLine(axis, new FormulaField(1, (x, _) => force + (0 * x)), diffusion, x => Math.Cos(x));
        var law = solver.Stationary();
        var currents = solver.Currents(law, 0);
        const int nodes = 400;
        var sum = 0.0;
        for (var i = 0; i < nodes; i++)
        {
            for (var k = 0; k <= nodes; k++)
            {
                // The inner integrand isn't periodic over x .. x + L but smooth; Simpson's rule.
                var (x, shift) = (length * i / nodes, length * k / nodes);
                var weight = k is 0 or nodes ? 1 : k % 2 == 1 ? 4 : 2;
                sum += weight / 3.0 * Math.Exp((Math.Cos(x + shift) - Math.Cos(x) - (force * shift)) / diffusion);
            }
        }

        var exact = diffusion * (1 - Math.Exp(-force * length / diffusion)) / (sum * length / nodes * length / nodes);
        Assert.Equal(exact, currents[0], 2e-4 * exact);
        Assert.InRange(currents.Max() - currents.Min(), 0, 1e-13);

        // Stationary: all that the force does, F J L, is dissipated: production F J L / D.
        Assert.Equal(force * currents[0] * length / diffusion, solver.EntropyProduction(law, 0), 1e-10);
    }

    [Fact]
    public void Heat_between_walls_decays_as_its_cosines()
    {
        // p = 1 + sum_k c_k cos(k pi x) exp(-D k^2 pi^2 t) on [0, 1].
        var (axis, diffusion, t) = (new CellAxis(0, 1, 200), 0.3, 0.2);
        using var solver = new FiniteVolumeLine(axis, null, diffusion);
        static double Series(double x, double time) => 1 + Enumerable.Range(1, 4).Sum(
            k => 0.5 / k * Math.Cos(k * Math.PI * x) * Math.Exp(-0.3 * k * k * Math.PI * Math.PI * time));
        var density = new LineDensity(axis, x => Series(x, 0));
        solver.Advance(density, 0, t, 400);
        Assert.All(Enumerable.Range(0, axis.Cells), i => Assert.Equal(Series(axis.Centre(i), t), density.Values[i], 1e-5));
        Assert.Equal(0, solver.Currents(density, 0)[0]);
        Assert.Equal(0, solver.Currents(density, 0)[^1]);
    }

    [Fact]
    public void Diffusion_may_depend_on_the_place_and_vanish_at_the_ends()
    {
        // D = 1 - x^2: Legendre polynomials decay, P_2 with rate 6.
        var axis = new CellAxis(-1, 1, 100);
        using var solver = new FiniteVolumeLine(axis, null, x => Math.Max(0, 1 - (x * x)));
        static double Law(double x, double t) => 0.5 + (0.3 * ((1.5 * x * x) - 0.5) * Math.Exp(-6 * t));
        var density = new LineDensity(axis, x => Law(x, 0));
        solver.Advance(density, 0, 0.2, 100);
        Assert.All(Enumerable.Range(0, axis.Cells), i => Assert.Equal(Law(axis.Centre(i), 0.2), density.Values[i], 1e-4));
    }

    [Fact]
    public void Without_diffusion_mass_is_carried_with_order_two()
    {
        double[] errors = [.. new[] { 100, 200, 400 }.Select(CarriedError)];
        Assert.InRange(Math.Log2(errors[0] / errors[1]), 1.7, 2.6);
        Assert.InRange(Math.Log2(errors[1] / errors[2]), 1.7, 2.6);
        Assert.InRange(errors[2], 0, 1e-3);
    }

    [Fact]
    public void Weak_noise_is_met_with_order_two_by_the_remap()
    {
        // dX = -X dt + sqrt(2 D) dW, D = .002: a cell's drift is ten times its diffusion, and fitted flows are upwind.
        double Error(int cells, DriftTreatment treatment)
        {
            var axis = new CellAxis(-2, 2, cells);
            using var solver = new FiniteVolumeLine(axis, s_pull, 0.002, options: new() { Drift = treatment });
            var density = new LineDensity(axis, x => Normal(x, 1, 0.02));
            solver.Advance(density, 0, 0.5, cells / 4);
            return Difference(density, new LineDensity(axis, x => Normal(x, Math.Exp(-0.5), 0.002 + (0.018 * Math.Exp(-1)))));
        }

        var (coarse, fine) = (Error(200, DriftTreatment.Remap), Error(400, DriftTreatment.Remap));
        Assert.InRange(Math.Log2(coarse / fine), 1.7, 2.4);
        Assert.InRange(fine, 0, 0.01);
        Assert.InRange(Error(400, DriftTreatment.ExponentialFitting) / fine, 10, 1000);
    }

    [Fact]
    public void A_density_has_its_moments_values_and_evidence()
    {
        var axis = new CellAxis(-8, 8, 400);
        var density = new LineDensity(axis, x => 5 * Normal(x, 0.5, 0.8));
        Assert.Equal(1, density.Mass, 1e-13);
        Assert.Equal(0.5, density.Mean, 1e-12);
        Assert.Equal(0.8, density.Variance, 1e-12);
        Assert.Equal(0.5 * Math.Log(2 * Math.PI * Math.E * 0.8), density.Entropy, 1e-12);
        Assert.Equal(Normal(1.234, 0.5, 0.8), density.At(1.234), 1e-4);
        Assert.Equal(0, density.At(8.1));
        Assert.Equal(density.Values[0], density.At(-8));

        // A Gaussian likelihood N(1; x, 0.2): evidence N(1; 0.5, 1), posterior variance 1 / (1 / 0.8 + 1 / 0.2).
        for (var i = 0; i < axis.Cells; i++)
        {
            density.Values[i] *= Normal(1, axis.Centre(i), 0.2);
        }

        Assert.Equal(Normal(1, 0.5, 1), density.Normalise(), 1e-12);
        Assert.Equal(0.16, density.Variance, 1e-12);
        Assert.Equal(0.9, density.Mean, 1e-12);

        var ring = new LineDensity(new CellAxis(0, 1, 4, true), x => x);
        Assert.Equal(ring.At(0.1), ring.At(3.1), 1e-12);
        Assert.Equal(0.5 * (ring.Values[0] + ring.Values[3]), ring.At(1), 1e-12);
    }

    [Fact]
    public void Steps_allocate_nothing()
    {
        var axis = new CellAxis(-4, 4, 100);
        using var solver = new FiniteVolumeLine(axis, new FormulaField(1, (x, t) => t - x), 0.3);
        var density = new LineDensity(axis, x => Normal(x, 0, 0.4));
        Assert.Equal(Bytes(10), Bytes(500));

        long Bytes(int steps) => Allocation.Least(() => solver.Advance(density, 0, 0.1, steps));
    }

    [Fact]
    public void Bad_input_is_named()
    {
        var axis = new CellAxis(-1, 1, 10);
        Assert.Contains("finite ends", Assert.Throws<ArgumentException>(() => new CellAxis(1, -1, 10)).Message);
        Assert.Contains("at least 3", Assert.Throws<ArgumentOutOfRangeException>(() => new CellAxis(0, 1, 2)).Message);
        Assert.Contains("R^2", Assert.Throws<ArgumentException>(() => new FiniteVolumeLine(axis, new FormulaField(2, (x, _) => -x), 1)).Message);
        Assert.Contains("diffusion is -1", Assert.Throws<ArgumentException>(() => new FiniteVolumeLine(axis, s_pull, -1)).Message);
        Assert.Contains("must be finite and at least 0 everywhere", Assert.Throws<ArithmeticException>(() => new LineDensity(axis, x => x)).Message);
        Assert.Contains("no cell holds any", Assert.Throws<ArithmeticException>(() => new LineDensity(axis, _ => 0)).Message);
        using var solver = new FiniteVolumeLine(axis, s_pull, 1, options: s_euler);
        var density = new LineDensity(axis, _ => 1);
        Assert.Contains("ascend", Assert.Throws<ArgumentException>(() => solver.Advance(density, 1, 0, 5)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => solver.Advance(density, 0, 1, 0));
        Assert.Contains("other cells", Assert.Throws<ArgumentException>(() => solver.Advance(new LineDensity(new CellAxis(-1, 1, 11)), 0, 1, 1)).Message);
        density.Values[3] = double.NaN;
        Assert.Contains("x = -0.3", Assert.Throws<ArithmeticException>(() => solver.Advance(density, 0, 1, 1)).Message);
        using var singular = new FiniteVolumeLine(new CellAxis(-1, 1, 4), new FormulaField(1, (x, _) => 1 / x), 1);
        Assert.Contains("The drift is", Assert.Throws<ArithmeticException>(() => singular.Stationary()).Message);
        using var still = new FiniteVolumeLine(axis, s_pull, 0);
        Assert.Throws<InvalidOperationException>(() => still.Stationary());
    }

    // dX = -X dt + sqrt(2 eps) dW from N(1, 0.3): mean e^-t, variance eps + (0.3 - eps) e^-2t.
    private static double OrnsteinUhlenbeckError(int cells, int steps, FiniteVolumeOptions options)
    {
        var axis = new CellAxis(-6, 6, cells);
        using var solver = new FiniteVolumeLine(axis, s_pull, 0.4, options: options);
        var density = new LineDensity(axis, x => Normal(x, 1, 0.3));
        solver.Advance(density, 0, 0.5, steps);
        return Difference(density, new LineDensity(axis, x => Normal(x, Math.Exp(-0.5), 0.4 - (0.1 * Math.Exp(-1)))));
    }

    // dx/dt = u(x) = 1 + sin(x) / 2 on the ring carries p = 1 / (2 pi); the exact law is u(y) / (2 pi u(x)), y the origin of x.
    private static double CarriedError(int cells)
    {
        const double time = 2.5;
        var axis = new CellAxis(0, 2 * Math.PI, cells, true);
        using var solver = new FiniteVolumeLine(axis, new FormulaField(1, (x, _) => 1 + (0.5 * x.Sin())), 0);
        var density = new LineDensity(axis, _ => 1);
        solver.Advance(density, 0, time, 10);
        Assert.Equal(1, density.Mass, 1e-13);
        return axis.Centres().Select((x, i) =>
        {
            var y = x;
            for (var k = 0; k < 2000; k++)
            {
                var h = -time / 2000;
                double Speed(double at) => 1 + (0.5 * Math.Sin(at));
                var (a, b) = (Speed(y), Speed(y + (0.5 * h * Speed(y))));
                var c = Speed(y + (0.5 * h * b));
                y += h / 6 * (a + (2 * b) + (2 * c) + Speed(y + (h * c)));
            }

            return Math.Abs(density.Values[i] - ((1 + (0.5 * Math.Sin(y))) / (1 + (0.5 * Math.Sin(x))) / (2 * Math.PI)));
        }).Average();
    }

    private static double Difference(LineDensity left, LineDensity right) =>
        left.Values.Zip(right.Values, (a, b) => Math.Abs(a - b)).Sum() * left.Axis.Width;

    private static double Normal(double x, double mean, double variance) =>
        Math.Exp(-0.5 * (x - mean) * (x - mean) / variance) / Math.Sqrt(2 * Math.PI * variance);
}
