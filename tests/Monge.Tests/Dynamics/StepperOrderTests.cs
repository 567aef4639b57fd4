using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Tests.Dynamics;

/// <summary>Every stepper of the room, traced and on the host, runs through the same test of its order: a new one is a line in the list.</summary>
public class StepperOrderTests
{
    // So small that neither the noise nor the score moves a particle by more than rounding.
    private const double NoDiffusion = 1e-26;

    // dx/dt = (1 + t) x^2 - x in each coordinate.
    private static readonly FormulaField s_field = new(2, (x, t) => ((1 + t) * x.Square()) - x);

    // A backward step goes from t + h to t with -b, so this is the same ODE in 1 - t.
    private static readonly FormulaField s_reversed = new(2, (x, t) => x - ((2 - t) * x.Square()));

    private delegate double[] Stepper(double[] start, int steps);

    private static readonly (string Name, int Order, Stepper Run)[] s_steppers =
    [
        .. RungeKuttaTableau.All.Select(t => ($"TransportOde, {t.Name}", t.Order, (Stepper)((start, steps) => Traced(t, start, steps)))),
        .. RungeKuttaTableau.All.Select(t => ($"HostOde, {t.Name}", t.Order, (Stepper)((start, steps) => Host(t, start, steps)))),
        .. new[] { SdeScheme.EulerMaruyama, SdeScheme.Heun }.SelectMany(s => new (string, int, Stepper)[]
        {
            ($"FieldSde, {s}", s == SdeScheme.Heun ? 2 : 1, (start, steps) => Walked(FieldSde.Walk<double>(null, s_field, s, 1), start, steps)),
            ($"TransportSde backward, {s}", s == SdeScheme.Heun ? 2 : 1, (start, steps) => Walked(Backward(s), start, steps)),
        }),
    ];

    public static TheoryData<string> Names => [.. s_steppers.Select(s => s.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void ErrorsFallAtTheOrder(string name)
    {
        var (_, order, run) = s_steppers.Single(s => s.Name == name);
        double[] start = [0.3, -0.4, 0.1, 0.6, -1, 0.2];
        double Error(int steps) => run(start, steps).Zip(start, (x, x0) => Math.Abs(x - Exact(x0))).Max();
        var observed = Math.Log2(Error(12) / Error(24));
        Assert.InRange(observed, order - 0.35, order + 0.9);
    }

    // u = 1/x has du/dt = u - 1 - t, so u = 2 + t + (u0 - 2) e^t.
    private static double Exact(double x0) => 1 / (3 + (((1 / x0) - 2) * Math.E));

    private static double[] Traced(RungeKuttaTableau tableau, double[] start, int steps)
    {
        using var ode = new TransportOde<double>(null, s_field, tableau, mode: DivergenceMode.None);
        return ode.Run(null, NdArray<double>.From(start, 3, 2), steps).Positions.Span.ToArray();
    }

    private static double[] Host(RungeKuttaTableau tableau, double[] start, int steps)
    {
        var ode = new HostOde(tableau, start.Length, (t, y, slope) =>
        {
            for (var i = 0; i < y.Length; i++)
            {
                slope[i] = ((1 + t) * y[i] * y[i]) - y[i];
            }
        });
        var state = start.ToArray();
        ode.Run(state, 0, 1, steps);
        return state;
    }

    private static ParticleWalk<double> Backward(SdeScheme scheme) => TransportSde.Backward<double>(MovingGaussian.Path, null, s_reversed, scheme, 3, 1);

    private static double[] Walked(ParticleWalk<double> walk, double[] start, int steps)
    {
        using (walk)
        {
            return walk.Carry(null, NdArray<double>.From(start, 3, 2), new TimeGrid(0, steps, steps, (_, _) => NoDiffusion), new DrawKey(1)).Span.ToArray();
        }
    }
}
