using Monge.Dynamics;

namespace Monge.Methods;

/// <summary>The Runge-Kutta method by which particles follow a transport's ODE.</summary>
public enum OdeSolver
{
    /// <summary>The classical method of order 4: four evaluations of the field a step.</summary>
    RungeKutta4,

    /// <summary>Heun's method, order 2: two evaluations a step.</summary>
    Heun,

    /// <summary>Euler's method, order 1: one evaluation a step.</summary>
    Euler,
}

/// <summary>The coefficients of the methods.</summary>
internal static class OdeSolvers
{
    /// <summary>The coefficients.</summary>
    public static RungeKuttaTableau Tableau(this OdeSolver solver) => solver switch
    {
        OdeSolver.Euler => RungeKuttaTableau.Euler,
        OdeSolver.Heun => RungeKuttaTableau.Heun,
        _ => RungeKuttaTableau.RungeKutta4,
    };

    /// <summary>Evaluations of the field in a step.</summary>
    public static int Stages(this OdeSolver solver) => solver.Tableau().Weights.Length;
}
