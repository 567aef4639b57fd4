namespace Monge.Dynamics;

/// <summary>
/// Proportional-integral control of a step by its embedded error, scaled so that 1 is the tolerance (Hairer, Norsett and Wanner, Solving Ordinary Differential
/// Equations I, II.4 and IV.2).
/// </summary>
/// <param name="order">The order of the Runge-Kutta method.</param>
internal struct StepController(int order)
{
    private double _before = 1;

    /// <summary>The next step after one that was accepted with an error of at most 1.</summary>
    public double AfterAccepted(double step, double error)
    {
        var raised = Math.Max(error, 1e-10);
        var next = step * Math.Clamp(0.9 * Math.Pow(raised, -0.7 / order) * Math.Pow(_before, 0.4 / order), 0.2, 5);
        _before = raised;
        return next;
    }

    /// <summary>The step to try instead of one whose error is above 1 or not a number.</summary>
    public readonly double AfterRejected(double step, double error) =>
        step * (double.IsFinite(error) ? Math.Clamp(0.9 * Math.Pow(error, -1.0 / order), 0.1, 0.9) : 0.1);
}
